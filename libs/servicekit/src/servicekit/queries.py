"""Rejection of undeclared and repeated query parameters in the REST API.

Otherwise, a caller that misspells a filter would get the unfiltered list. Pages and OAuth endpoints, which
are outside `/api/`, ignore unknown parameters (RFC 6749 §3.1).
"""

from fastapi import Request, params
from fastapi._compat import field_annotation_is_sequence
from fastapi.dependencies.utils import get_flat_params
from fastapi.routing import APIRoute

from servicekit.problems import FieldError, Unprocessable

PREFIX = "/api/"


async def declared_queries_only(request: Request) -> None:
    """Reject undeclared parameters with `Unprocessable`, which names them (a dependency of all operations).

    A parameter whose type is a list may be repeated.
    """
    route = request.scope.get("route")
    if not request.url.path.startswith(PREFIX) or not isinstance(route, APIRoute):
        return
    # Routes exist as long as the application, so their id() can be the key.
    known: dict[int, dict[str, bool]] = request.app.state.declared_queries
    if id(route) not in known:
        known[id(route)] = _query_parameters(route)
    may_repeat = known[id(route)]
    errors: dict[str, str] = {}
    seen: set[str] = set()
    for name, _ in request.query_params.multi_items():
        if name not in may_repeat:
            errors[name] = "未知参数"
        elif name in seen and not may_repeat[name]:
            errors[name] = "参数不能重复"
        seen.add(name)
    if errors:
        raise Unprocessable(
            errors=[FieldError(parameter=name, detail=detail) for name, detail in errors.items()]
        )


def _query_parameters(route: APIRoute) -> dict[str, bool]:
    """Return for each parameter name whether it may be repeated."""
    found: dict[str, bool] = {}
    for field in get_flat_params(route.dependant):
        info = field.field_info
        # Fields of a parameter model have no location of their own; here it is the query.
        if not isinstance(info, params.Param) or isinstance(info, params.Query):
            found[field.alias] = field_annotation_is_sequence(info.annotation)
    return found
