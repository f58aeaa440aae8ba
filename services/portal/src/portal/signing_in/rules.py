"""Addresses to return to. Pure functions."""

import re
from urllib.parse import urlencode

HOME = "/"
_LOCAL = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]{0,2000}")
_NO_PAGE = re.compile(r"/(?:bff|api)(?:/|$)|.*/(?:\.|%2e){1,2}(?:/|$)", re.IGNORECASE)
"""What machines call, and segments that a browser resolves: the address would become another one."""


def local(address: str | None) -> str:
    """Return the address if it is a page of the portal, else that of the first page.

    A path that begins with two slashes, or with a backslash, is another host to browsers. Characters outside
    of ASCII must be percent-encoded.
    """
    if address is None or _LOCAL.fullmatch(address) is None:
        return HOME
    return HOME if _NO_PAGE.match(re.split("[?#]", address, maxsplit=1)[0]) else address


def failure(reason: str, return_to: str) -> str:
    """Return the address of the page that says why somebody is not signed in and offers another attempt."""
    return f"/sign-in?{urlencode({'error': reason, 'return_to': return_to})}"
