"""Validation of widget content. Pure functions."""

from typing import Final

MAX_TITLE: Final = 200


def clean_title(text: str) -> str | None:
    """Return the title with white space collapsed and trimmed, or None if it is empty or too long."""
    title = " ".join(text.split())
    return title if 0 < len(title) <= MAX_TITLE else None
