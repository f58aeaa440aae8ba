"""Writes docs/visibility.md: `python -m office.contacts.visibility PATH`; `make snapshots` calls it."""

import sys
from pathlib import Path

from office.contacts.rules import MAX_EXPORTED, matrix

_TEXT = """\
<!-- Generated from services/office/src/office/contacts/rules.py by `make snapshots`. -->
# Who sees what in the address book

The address book (通讯录) shows a unit and its people by where the unit stands, seen from the unit that the
caller acts for. A cell names who sees the field; a dash means nobody. The same rules are conditions of every
query (`office.contacts.predicates`); `services/office/tests/test_contact_visibility.py` crosses every pair of
units with every permission through the API.

{matrix}
- Office holds no complete phone number. Who may see it asks Identity for it with a reason, which Identity
  records (`POST /api/v1/accounts/{{sub}}/unmask`).
- Duty phones (值班电话) are numbers of units, landlines or service numbers, never of people.
- Lists have at most 50 people a page, an export at most {most:,} people. Exports are recorded, and carry the
  name and unit of who made them and the time.
- A person with posts in several units is visible in each of them by the rules for that unit.
"""


def document() -> str:
    """Return the content of the document."""
    return _TEXT.format(matrix=matrix(), most=MAX_EXPORTED)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(document(), encoding="utf-8")
