"""Headers for the protocol core."""

from fastapi import Request


def headers_of(request: Request) -> dict[str, str]:
    """Return headers by name. Repeated ones are joined, so that a second DPoP proof is detected."""
    found: dict[str, str] = {}
    for raw_name, raw_value in request.scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found
