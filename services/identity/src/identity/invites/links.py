"""Addresses of the page where the holder of a code asks to join."""

from urllib.parse import urlencode


def join_link(issuer_url: str, code: str) -> str:
    """Return the address that takes a code."""
    return f"{issuer_url}/join?{urlencode({'code': code})}"
