"""Where a unit has stood, from its dated states."""

from dataclasses import replace
from datetime import UTC, datetime

from identity.units.history import Place, places

A, B = "100000.370000.370100.S1", "100000.370000.370200.S1"


def place(path: str, year: int, *, status: str = "active") -> Place:
    return Place(None, path, status, datetime(year, 1, 1, tzinfo=UTC))


def test_a_unit_that_has_not_moved_has_one_place_since_it_was_opened() -> None:
    assert places([place(A, 2024)]) == [place(A, 2024)]


def test_a_rename_makes_no_new_place() -> None:
    assert places([place(A, 2024), place(A, 2026)]) == [place(A, 2024)]


def test_a_change_of_level_kind_or_stages_makes_a_place() -> None:
    first = replace(place(A, 2024), level="county", kind="student_aid", stages=("compulsory",))
    states = [
        first,
        replace(first, since=place(A, 2025).since, level="city"),
        replace(first, since=place(A, 2026).since, level="city", stages=("compulsory", "preschool")),
    ]
    assert places(states) == states


def test_a_move_and_a_closing_each_make_one() -> None:
    states = [place(A, 2024), place(B, 2026), place(B, 2027, status="closed")]
    assert places(states) == states


def test_moving_back_makes_a_place_of_its_own() -> None:
    states = [place(A, 2024), place(B, 2025), place(A, 2026)]
    assert places(states) == states


def test_a_correction_replaces_what_it_dates_back_over() -> None:
    assert places([place(A, 2024), place(B, 2026), place(B, 2025)]) == [place(A, 2024), place(B, 2025)]
    assert places([place(A, 2024), place(B, 2024)]) == [place(B, 2024)]
