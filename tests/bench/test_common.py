"""Rates, percentiles and tables of the benchmarks."""

from pathlib import Path

import pytest

from bench.common.statistics import Round, median_round, percentile, spread
from bench.common.tables import number, table, write


def test_a_round_gives_the_rate_and_the_percentiles_in_milliseconds() -> None:
    result = Round.of([0.01] * 98 + [0.5, 0.6], seconds=2)
    assert (result.rate, result.requests) == (50.0, 100)
    assert (result.p50, result.p99) == (10.0, 600.0)


def test_a_percentile_is_one_of_the_values() -> None:
    assert percentile([3.0, 1.0, 2.0], 0.5) == 2.0
    assert percentile([3.0, 1.0, 2.0], 1.0) == 3.0


def test_the_median_round_is_the_lower_one_of_two() -> None:
    rounds = [Round(3, 0, 0), Round(1, 0, 0), Round(2, 0, 0), Round(4, 0, 0)]
    assert median_round(rounds).rate == 2
    assert spread(rounds) == "2 (3, 1, 2, 4)"


def test_a_table_aligns_numbers_to_the_right() -> None:
    assert table(["", "rate"], [["sign-in", number(1234.5)], ["code", number(7.25)]]) == [
        "|  | rate |",
        "|---|---:|",
        "| sign-in | 1,234 |",
        "| code | 7.2 |",
    ]


def test_a_result_replaces_the_last_one_of_the_same_benchmark(tmp_path: Path) -> None:
    page = tmp_path / "benchmarks.md"
    page.write_text("a\n<!-- measured x: begin -->\nold\n<!-- measured x: end -->\nb\n")
    write("x", "new", page)
    assert page.read_text() == "a\n<!-- measured x: begin -->\nnew\n<!-- measured x: end -->\nb\n"
    with pytest.raises(ValueError, match="measured y: begin"):
        write("y", "new", page)
