"""What a place in the authority tree looks like: pure."""

import re

_PATH = re.compile(r"[A-Za-z0-9_]{1,255}(\.[A-Za-z0-9_]{1,255}){0,63}")


def path(text: str) -> str:
    """`text` if it can be given to PostgreSQL as an ltree: codes joined by dots. Raises `ValueError`."""
    if _PATH.fullmatch(text) is None:
        raise ValueError("not a path")
    return text
