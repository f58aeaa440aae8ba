"""members.toml and every file that repeats its names agree (scaffold/places.toml)."""

import shutil
from pathlib import Path

import pytest

from scaffold.members import ROOT, Members, disagreements, places


def test_every_place_names_every_member() -> None:
    found = disagreements()
    assert not found, "\n" + "\n".join(found)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The files that name members, and a pyproject.toml for each member."""
    for name in ["members.toml", *(place.file for place in places())]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    for folder in Members.load().folders():
        (tmp_path / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / folder / "pyproject.toml").touch()
    return tmp_path


def test_the_copy_as_it_is_agrees(copy: Path) -> None:
    assert disagreements(copy) == []


def test_a_folder_that_is_not_in_the_list_is_found(copy: Path) -> None:
    (copy / "libs" / "extra").mkdir()
    (copy / "libs" / "extra" / "pyproject.toml").touch()
    assert disagreements(copy) == [
        "members.toml: libs/extra is a folder with a pyproject.toml and not in the list"
    ]


def test_a_service_that_is_only_in_the_list_is_missing_in_every_place(copy: Path) -> None:
    with (copy / "members.toml").open("a") as file:
        file.write("warnings = 8004\n")
    found = disagreements(copy)
    assert found[0] == "members.toml: services/warnings has no pyproject.toml"
    assert len(found) == 1 + len(places())
    assert {line.partition(":")[0] for line in found[1:]} == {place.file for place in places()}


@pytest.mark.parametrize("number", range(len(places())))
def test_a_name_that_a_place_lacks_is_found(copy: Path, number: int) -> None:
    place = places()[number]
    text = (copy / place.file).read_text()
    begin, end = place.span(text)
    without = text[begin:end].replace("cockpit", "dashboard").replace("COCKPIT", "DASHBOARD")
    (copy / place.file).write_text(text[:begin] + without + text[end:])
    assert f"{place.file}: cockpit is missing ({place.names})" in disagreements(copy)
