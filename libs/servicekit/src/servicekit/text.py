"""Rejection of what cannot be stored: NUL, lone surrogates, and numbers that are not finite.

NUL and lone surrogates are valid in JSON (RFC 8259 §8.2) and in Python strings. PostgreSQL rejects NUL, and a
lone surrogate has no UTF-8 encoding. Python's parser accepts NaN and Infinity, which are not JSON (§6), and
makes an infinity of 1e999; a `jsonb` value has none of them. They are rejected when a request is parsed, so
later code does not have to handle them.
"""

import math
from collections.abc import Iterator
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute

from servicekit.problems import FieldError, Unprocessable
from servicekit.queries import PREFIX

_DETAIL = "含有无法保存的字符"
_NOT_FINITE = "不是有限的数"


def is_storable(text: str) -> bool:
    """Return whether `text` contains neither NUL nor a lone surrogate."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


Place = tuple[str | int, ...]


def unstorable(value: Any) -> Iterator[Place]:
    """Yield the paths of the strings, keys and numbers in a parsed JSON `value` that cannot be stored."""
    return (place for place, _ in _refused(value))


def _refused(value: Any) -> Iterator[tuple[Place, str]]:
    """Yield these paths, and why each is refused."""
    stack: list[tuple[Place, Any]] = [((), value)]
    while stack:
        place, item = stack.pop()
        if isinstance(item, str):
            if not is_storable(item):
                yield place, _DETAIL
        elif isinstance(item, float):
            if not math.isfinite(item):
                yield place, _NOT_FINITE
        elif isinstance(item, dict):
            for key, child in item.items():
                if is_storable(key):
                    stack.append(((*place, key), child))
                else:
                    yield place, _DETAIL
        elif isinstance(item, list):
            stack += [((*place, index), child) for index, child in enumerate(item)]


async def storable_text_only(request: Request) -> None:
    """Verify path, query of the REST API, and declared JSON body (a dependency of all operations).

    Raises `Unprocessable` with their places. Does not read a body that the endpoint reads itself. Forms occur
    on pages only, which have their own messages: a password with NUL is a wrong password.
    """
    found = [
        _bad_parameter(name) for name, value in request.path_params.items() if not is_storable(str(value))
    ]
    if request.url.path.startswith(PREFIX):
        # The OAuth endpoints have their own errors.
        queries = request.query_params.multi_items()
        found += [_bad_parameter(name) for name, value in queries if not is_storable(value)]
    route = request.scope.get("route")
    if isinstance(route, APIRoute) and route.body_field is not None:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        # FastAPI parses the body before it resolves dependencies, and the result is cached.
        if (kind == "application/json" or kind.endswith("+json")) and await request.body():
            found += [FieldError.at(*place, detail=why) for place, why in _refused(await request.json())]
    if found:
        raise Unprocessable(errors=found[:20])


def _bad_parameter(name: str) -> FieldError:
    return FieldError(parameter=name, detail=_DETAIL)
