"""Builds the services of a request from the dependencies of FastAPI, without its solver.

For routes that the index calls directly (`servicekit.routing.DirectRoute`): what an endpoint needs is found
once, when the module is loaded, and built in a flat list of calls, with the session that the endpoint opens.
"""

import inspect
from collections.abc import Callable, Coroutine
from typing import Annotated, Any, Final, Generic, TypeVar, get_args, get_origin, get_type_hints

from fastapi import Request
from fastapi.params import Depends
from sqlalchemy.ext.asyncio import AsyncSession

from servicekit.db import get_session

T = TypeVar("T")

_REQUEST: Final = -2
_SESSION: Final = -1


class Wiring(Generic[T]):
    """Builds what a function or class, a dependency of FastAPI, returns.

    All that it depends on takes only the request, the session and other such dependencies. Raises TypeError
    for anything else, such as a query parameter or a generator.
    """

    def __init__(self, call: type[T] | Callable[..., Coroutine[Any, Any, T]]) -> None:
        self._steps: list[tuple[Callable[..., Any], bool, list[tuple[str, int]]]] = []
        self._places: dict[Any, int] = {}
        self._add(call)

    async def __call__(self, request: Request, session: AsyncSession) -> T:
        """Build it for one request."""
        made: list[Any] = []
        for call, waits, needs in self._steps:
            given = {
                name: request if place == _REQUEST else session if place == _SESSION else made[place]
                for name, place in needs
            }
            made.append(await call(**given) if waits else call(**given))
        found: T = made[-1]
        return found

    def _add(self, call: Callable[..., Any]) -> int:
        if call in self._places:
            return self._places[call]
        target: Any = call.__init__ if inspect.isclass(call) else call
        if inspect.isasyncgenfunction(target) or inspect.isgeneratorfunction(target):
            raise TypeError(f"{call.__qualname__} ends after the response, which only FastAPI knows")
        hints = get_type_hints(target, include_extras=True)
        names = [name for name in inspect.signature(target).parameters if name != "self"]
        needs = [(name, self._place(call, name, hints.get(name))) for name in names]
        self._steps.append((call, inspect.iscoroutinefunction(target), needs))
        self._places[call] = len(self._steps) - 1
        return self._places[call]

    def _place(self, call: Callable[..., Any], name: str, hint: Any) -> int:
        if hint is Request:
            return _REQUEST
        if get_origin(hint) is Annotated:
            type_, *more = get_args(hint)
            for one in more:
                if isinstance(one, Depends):
                    needed = one.dependency or type_
                    return _SESSION if needed is get_session else self._add(needed)
        raise TypeError(f"{call.__qualname__} needs {name}, which is no dependency")
