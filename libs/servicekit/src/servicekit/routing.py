"""Shortcuts through FastAPI, which change the time of a request and nothing else.

FastAPI walks the dependencies of an endpoint as a tree: a service that ten others need is visited ten times
with all that it needs itself, and only then found in the request's cache (`solve_dependencies`). An endpoint
of Office with 60 dependencies visits 240 nodes. `prune` takes away what is below each repetition.

FastAPI tries the routes one after another, those of included routers twice. `index` finds the route of a path
by its first segments and their number, and leaves every other case (404, 405, mounts) to FastAPI.
"""

import re
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import replace
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.dependencies.models import Dependant, _get_cache_key
from fastapi.routing import APIRoute, RouteContext, _EffectiveRouteContext, iter_route_contexts
from starlette.convertors import PathConvertor
from starlette.types import ASGIApp, Receive, Scope, Send

Endpoint = Callable[[Request], Coroutine[Any, Any, Response]]

_SEGMENTS: Final = 4
"""By how many segments routes are found: `/api/v1/notices` and the empty one before the first slash."""
_EVERYTHING: Final = re.compile("")
_PRUNED: Final = "_pruned"


class DirectRoute(APIRoute):
    """A route whose endpoint takes only the request and returns a response.

    It has no dependencies, and the index calls it without FastAPI's stacks of contexts. For endpoints that
    are called thousands of times a second.
    """

    def get_route_handler(self) -> Endpoint:
        """Return the endpoint itself."""
        endpoint: Endpoint = self.endpoint
        return endpoint

    async def direct(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; exceptions go to the middleware that handles them."""
        endpoint: Endpoint = self.endpoint
        response = await endpoint(Request(scope, receive, send))
        await response(scope, receive, send)


def prune(app: FastAPI) -> None:
    """Have each dependency of an endpoint solved where it is first needed, and not walked through again."""
    for route in _endpoints(app):
        prepared = vars(route._effective_route)
        dependant = prepared.get("dependant")
        # Tests share what is prepared for a route among their applications.
        if isinstance(dependant, Dependant) and not prepared.get(_PRUNED, False):
            _prune(dependant, set())
            prepared[_PRUNED] = True


def _prune(dependant: Dependant, solved: set[Any]) -> None:
    """Cut the repetitions below `dependant`, in the order in which FastAPI solves them."""
    for place, one in enumerate(dependant.dependencies):
        key = _get_cache_key(dependant=one)
        if key in solved:
            bare = replace(one, dependencies=[])
            if one.use_cache and _get_cache_key(dependant=bare) == key:
                dependant.dependencies[place] = bare
            continue
        _prune(one, solved)
        # With parameters of its own it may fail to be solved, and is then asked for again.
        if one.use_cache and _without_parameters(one):
            solved.add(key)


def _without_parameters(dependant: Dependant) -> bool:
    own = (
        *dependant.path_params,
        *dependant.query_params,
        *dependant.header_params,
        *dependant.cookie_params,
        *dependant.body_params,
    )
    return not own and all(map(_without_parameters, dependant.dependencies))


def index(app: FastAPI) -> None:
    """Find routes by an index before the router looks for them one by one. Call it after the last route."""
    router = app.router
    router.middleware_stack = RouteIndex(app, router.middleware_stack)


class RouteIndex:
    """Calls the endpoint that has the request's path and method, or else `router`."""

    def __init__(self, app: FastAPI, router: ASGIApp) -> None:
        self._owner = app.router
        self._router = router
        routes = [_Indexed(route) for route in iter_route_contexts(app.routes)]
        keys = {route.key for route in routes if route.key is not None}
        # In the order of the router, so that of several routes the same one is chosen.
        self._found = {key: [one for one in routes if one.may_match(*key)] for key in keys}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] == "http" and not scope.get("root_path"):
            path = scope["path"]
            segments = path.split("/")
            for one in self._found.get((len(segments), tuple(segments[:_SEGMENTS])), ()):
                match = one.regex.match(path)
                if match is None or (one.app is not None and scope["method"] not in one.methods):
                    continue
                if one.app is None:
                    break
                scope["router"], scope["route"], scope["endpoint"] = self._owner, one.route, one.endpoint
                scope["path_params"] = {
                    name: one.convertors[name].convert(value) for name, value in match.groupdict().items()
                }
                await one.app(scope, receive, send)
                return
        await self._router(scope, receive, send)


class _Indexed:
    """A route; `app` is None for one that is no endpoint of an included router: that is for the router."""

    def __init__(self, context: RouteContext) -> None:
        effective, self.route = context._effective_route, context.original_route
        self.regex: re.Pattern[str] = getattr(effective, "path_regex", _EVERYTHING)
        self.app: ASGIApp | None = None
        self._count: int | None = None
        self._beginning: tuple[str, ...] | None = None
        if not isinstance(effective, _EffectiveRouteContext) or not isinstance(self.route, APIRoute):
            return
        self.app, self.methods, self.endpoint = effective.app, effective.methods, effective.endpoint
        if isinstance(self.route, DirectRoute):
            self.app = self.route.direct
        self.convertors = effective.param_convertors
        segments = effective.path.split("/")
        if not any(isinstance(one, PathConvertor) for one in self.convertors.values()):
            self._count = len(segments)
            beginning = tuple(segments[:_SEGMENTS])
            if not any("{" in segment for segment in beginning):
                self._beginning = beginning

    @property
    def key(self) -> tuple[int, tuple[str, ...]] | None:
        """Under what it is found; None if a parameter is among the first segments."""
        return None if self._count is None or self._beginning is None else (self._count, self._beginning)

    def may_match(self, count: int, beginning: tuple[str, ...]) -> bool:
        """Return whether it can match a path with so many segments and this beginning."""
        return self._count in (None, count) and self._beginning in (None, beginning)


def _endpoints(app: FastAPI) -> Iterator[RouteContext]:
    """Yield the endpoints of included routers."""
    for route in iter_route_contexts(app.routes):
        if isinstance(route._effective_route, _EffectiveRouteContext):
            yield route
