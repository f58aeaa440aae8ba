"""Paths of groups, and whose receipts are counted. Pure functions."""

from datetime import datetime


def group_of(path: str) -> str:
    """Return the path of the superior unit; empty for the root."""
    return path.rpartition(".")[0]


def is_counted(placed_at: datetime | None, published_at: datetime | None) -> bool:
    """Return whether counters have the receipts of a unit: if it has not changed since the publication.

    `placed_at`: since when it has had its place. Store the answer with the receipt (`counted`). Coverage
    looks at the other units one by one.
    """
    return published_at is not None and (placed_at is None or placed_at <= published_at)
