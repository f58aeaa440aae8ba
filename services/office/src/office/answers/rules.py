"""What the files of answers are attached to, and whose answers a unit sees. Pure functions."""

from collections.abc import Iterable
from typing import Final

FILE_SUBJECT: Final = "answer"
"""The kind of subject that the files of an answer are attached to."""


def is_below(path: str, places: Iterable[str]) -> bool:
    """Return whether `path` stands at or below one of the `places` of a unit."""
    return any(f"{path}.".startswith(f"{place}.") for place in places)
