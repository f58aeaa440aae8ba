"""What a place in the authority tree looks like: pure."""

import re

_PATH = re.compile(r"[A-Za-z0-9_]{1,255}(\.[A-Za-z0-9_]{1,255}){0,63}")


def is_path(text: str) -> bool:
    """Whether `text` can be given to PostgreSQL as an ltree: codes joined by dots."""
    return _PATH.fullmatch(text) is not None
