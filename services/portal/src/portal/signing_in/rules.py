"""Addresses to return to. Pure functions."""

import re
from urllib.parse import urlencode

HOME = "/"
_LOCAL = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]{0,2000}")
_MACHINES = ("/bff/", "/api/")


def local(address: str | None) -> str:
    """Return the address if it is a page of the portal, else that of the first page.

    A path that begins with two slashes, or with a backslash, is another host to browsers. Characters outside
    of ASCII must be percent-encoded.
    """
    if address is None or _LOCAL.fullmatch(address) is None or address.startswith(_MACHINES):
        return HOME
    return address


def failure(reason: str, return_to: str) -> str:
    """Return the address of the page that says why somebody is not signed in and offers another attempt."""
    return f"/sign-in?{urlencode({'error': reason, 'return_to': return_to})}"
