"""What may stand in a widget: pure."""

from typing import Final

MAX_TITLE: Final = 200


def clean_title(text: str) -> str | None:
    """The title with single spaces and none at its ends; None if nothing is left of it or it is too long."""
    title = " ".join(text.split())
    return title if 0 < len(title) <= MAX_TITLE else None
