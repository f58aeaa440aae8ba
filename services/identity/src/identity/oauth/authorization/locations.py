"""Addresses that lead back to a client: its own query stays as registered (RFC 6749 §3.1.2)."""

from collections.abc import Sequence
from urllib.parse import parse_qsl, urlencode, urlsplit


def with_parameters(uri: str, parameters: Sequence[tuple[str, str]]) -> str:
    """Return the URI with parameters after its own query, which is not decoded: another encoding of the same
    values is another address to some routers and signatures.
    """
    if not parameters:
        return uri
    joint = "?" if "?" not in uri else "" if uri.endswith(("?", "&")) else "&"
    return f"{uri}{joint}{urlencode(parameters)}"


def added(redirect_uri: str, location: str) -> list[tuple[str, str]]:
    """Return the parameters that `location`, made from `redirect_uri`, has beyond it."""
    own = parse_qsl(urlsplit(redirect_uri).query, keep_blank_values=True)
    return parse_qsl(urlsplit(location).query, keep_blank_values=True)[len(own) :]


def as_registered(redirect_uri: str, location: str) -> str:
    """Return `location` with the query of `redirect_uri` as it was written; Authlib encodes it anew."""
    return with_parameters(redirect_uri, added(redirect_uri, location))
