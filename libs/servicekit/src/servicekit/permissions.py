"""Which permission an endpoint requires, as its dependencies declare it: for the reference of the API."""

from collections.abc import Callable, Iterator
from typing import Any, Final, TypeVar

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from contracts.vocabulary import Permission

_Dependency = TypeVar("_Dependency", bound=Callable[..., Any])
_MARK: Final = "__permissions__"


def requiring(*permissions: str) -> Callable[[_Dependency], _Dependency]:
    """Declare that a dependency of endpoints refuses whoever has none of `permissions`.

    It changes nothing else: the dependency itself verifies them. Raises ValueError for a word that is no
    `Permission`.
    """
    words = tuple(Permission(one) for one in permissions)

    def mark(dependency: _Dependency) -> _Dependency:
        setattr(dependency, _MARK, words)
        return dependency

    return mark


def required_by(route: APIRoute) -> tuple[tuple[Permission, ...], ...]:
    """Return what the dependencies of an endpoint require: of each group one permission at least."""
    return tuple(dict.fromkeys(_groups(route.dependant)))


def _groups(dependant: Dependant) -> Iterator[tuple[Permission, ...]]:
    for one in dependant.dependencies:
        found: tuple[Permission, ...] = getattr(one.call, _MARK, ())
        if found:
            yield found
        yield from _groups(one)
