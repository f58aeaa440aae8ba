"""The scan for insecure code reports what no line answers, and takes an answer only with a reason."""

from pathlib import Path

import pytest

from scaffold.scan import findings

pytestmark = pytest.mark.seeded

SOURCE = """name = input()
one = f"SELECT 1 FROM {name}"
two = f"SELECT 2 FROM {name}"  # noqa: S608 - our name
three = f"SELECT 3 FROM {name}"  # nosec B608 - our name
four = f"SELECT 4 FROM {name}"  # noqa: S608
five = f"SELECT 5 FROM {name}"  # nosec
six = f"SELECT 6 FROM {name}"  # nosec B101 - another rule
"""


def test_a_finding_needs_an_answer_with_a_reason(tmp_path: Path) -> None:
    (tmp_path / "statements.py").write_text(SOURCE, encoding="utf-8")
    found = findings(tmp_path, "statements.py")
    assert [line.partition(" ")[0] for line in found] == [f"./statements.py:{n}:" for n in (2, 5, 6, 7)]
    assert all("B608" in line for line in found)
