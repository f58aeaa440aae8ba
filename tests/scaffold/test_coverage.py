"""The comparison of branch coverage with the recorded floors."""

import tomllib

import pytest

from scaffold.coverage import FLOORS, Measured, by_member, faults, main, recorded, table
from scaffold.members import Members

FILES = {
    "libs/jobs/src/jobs/queue.py": Measured(96, 100),
    "services/office/src/office/app.py": Measured(70, 100),
    "services/office/src/office/notices/rules.py": Measured(19, 20),
    "services/office/src/office/coverage/rules.py": Measured(20, 20),
}


def test_files_add_up_to_their_member_and_rules_to_a_row_of_their_own() -> None:
    assert by_member(FILES, ["libs/jobs", "services/office"]) == {
        "libs/jobs": Measured(96, 100),
        "services/office": Measured(109, 140),
        "services/office rules.py": Measured(39, 40),
    }


def test_a_member_that_no_test_imports_is_not_taken_for_covered() -> None:
    assert by_member(FILES, ["libs/filekit"])["libs/filekit"].percent == 0


def test_percent_is_never_rounded_up() -> None:
    assert Measured(99_999, 100_000).percent == 99.9
    assert Measured().percent == 100


@pytest.mark.parametrize(
    ("name", "covered", "floor", "words"),
    [
        ("services/office", 800, 80.5, ""),
        ("services/office", 799, 80.5, "79.9 %, was 80.5 %"),
        ("services/office", 800, None, "no floor is recorded"),
        ("libs/jobs", 949, 94.9, "must be at least 95"),
        ("libs/jobs", 950, 95.5, ""),
        ("services/office rules.py", 949, 94.9, "must be at least 95"),
    ],
)
def test_what_fell_or_is_too_low_is_reported(
    name: str, covered: int, floor: float | None, words: str
) -> None:
    found = faults({name: Measured(covered, 1000)}, {} if floor is None else {name: floor})
    assert len(found) == bool(words)
    assert words in "".join(found)


def test_the_file_of_floors_reads_as_it_was_written_and_names_members() -> None:
    text = FLOORS.read_text(encoding="utf-8")
    floors = tomllib.loads(text)["floors"]
    assert recorded(floors) == text
    members = Members.load()
    # A new service has none until its first `make coverage MEMBER=… WRITE=1`.
    assert set(floors) <= {
        *(f"libs/{name}" for name in members.libs if name != "testkit"),
        *(f"services/{name}{rules}" for name in members.services for rules in ("", " rules.py")),
    }


def test_the_table_shows_what_has_no_floor_yet() -> None:
    assert (
        table({"libs/jobs": Measured(19, 20)}, {}).splitlines()[1] == "libs/jobs       19    20   95.0      –"
    )


@pytest.mark.parametrize("arguments", [["--write"], ["libs/nothing"]])
def test_a_floor_is_written_for_named_members_only(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(arguments)
    assert "member" in capsys.readouterr().err
