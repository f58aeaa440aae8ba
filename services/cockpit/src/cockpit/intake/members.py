"""The files of a batch that came as an archive."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

REPORT_FILE = "文件"
"""The column that the report of such a batch has first."""


@dataclass
class MemberFile:
    """A file, the lines of the files before it, and what became of its rows."""

    name: str
    before: int
    accepted: int = 0
    rejected: int = 0


def count(files: Sequence[MemberFile], accepted: int, rejected: int) -> None:
    """Count the rows of a step, which are of the last file that was begun."""
    if files:
        files[-1].accepted += accepted
        files[-1].rejected += rejected


def stored(files: Sequence[MemberFile]) -> list[dict[str, Any]] | None:
    """Return the files for the database; None if the batch was a file itself."""
    return [asdict(file) for file in files] or None


def restored(files: Sequence[dict[str, Any]] | None) -> list[MemberFile]:
    """Return the files of a batch from the database."""
    return [MemberFile(**file) for file in files or ()]


def place_of(files: Sequence[MemberFile], line: int) -> tuple[str | None, int]:
    """Return the file and the line in it for a row's number in the batch; no file if the batch was one."""
    if not files:
        return None, line
    file = files[bisect_right(files, line - 1, key=lambda one: one.before) - 1]
    return file.name, line - file.before
