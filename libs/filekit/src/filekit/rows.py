"""What readers of tables have in common."""

from typing import NamedTuple, Protocol


class Row(NamedTuple):
    """A row that is not empty: its number, its fields, and faults of fields by column, in Chinese."""

    number: int
    fields: list[str]
    faults: list[tuple[int, str]]


class Rows(Protocol):
    """Reads rows; its methods block."""

    ended: bool
    merged: set[int]
    """At the end: numbers of rows with merged cells."""

    def step(self) -> list[Row]:
        """Return the rows of one step; may be none before the end."""
        ...

    def close(self) -> None:
        """Release what was opened."""
        ...
