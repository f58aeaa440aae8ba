"""Parsing of form bodies for the protocol core."""

from urllib.parse import parse_qsl

from fastapi import Request


async def form_pairs(request: Request) -> list[tuple[str, str]]:
    """Return the pairs of a form body, including repeated names; nothing for another content type."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        return []
    body = await request.body()
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=100)
    except ValueError:
        return []


def headers_of(request: Request) -> dict[str, str]:
    """Return headers by name. Repeated ones are joined, so that a second DPoP proof is detected."""
    found: dict[str, str] = {}
    for raw_name, raw_value in request.scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found
