"""Format of paths in the authority tree. Pure functions."""

import re

_PATH = re.compile(r"[A-Za-z0-9_]{1,255}(\.[A-Za-z0-9_]{1,255}){0,63}")


def path(text: str) -> str:
    """Return `text` if it is a valid PostgreSQL ltree: codes joined by dots. Raises `ValueError`."""
    if _PATH.fullmatch(text) is None:
        raise ValueError("not a path")
    return text
