"""Paths of groups. Pure functions."""


def group_of(path: str) -> str:
    """Return the path of the superior unit; empty for the root."""
    return path.rpartition(".")[0]
