"""Reads a table of people. Blocks: use a thread."""

from typing import BinaryIO

from filekit.tables import rows_of
from identity.invite_batches import rules
from identity.invite_batches.errors import TableUnreadable, TooManyRows
from identity.invite_batches.rules import Person
from servicekit.problems import Problem


def people_of(file: BinaryIO, media_type: str) -> list[Person]:
    """Return the rows below the heading.

    Raises `TableUnreadable`, `TooManyRows`, and the errors of the readers.
    """
    rows = rows_of(file, media_type, lambda cells: rules.heading_of(cells) is not None, rules.HEADING_WITHIN)
    columns: dict[str, int] | None = None
    people: list[Person] = []
    try:
        while not rows.ended:
            for line in rows.step():
                if columns is None:
                    columns = rules.heading_of(line.fields)
                    if columns is None and line.number >= rules.HEADING_WITHIN:
                        raise TableUnreadable
                else:
                    people.append(rules.person_of(line, columns))
            if len(people) > rules.MOST_ROWS:
                raise TooManyRows
    except Problem:
        raise
    finally:
        rows.close()
    if not people:
        raise TableUnreadable
    for person in people:
        if person.number in rows.merged:
            person.errors.append("该行有合并的单元格，请取消合并后逐行填写")
    return people
