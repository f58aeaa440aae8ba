"""What statistics say about the number of matches without counting."""

import time
from typing import Any

import pytest

from searchkit.frequencies import Frequencies, _Known

NOBODY: Any = None


def known(rows: float, **shares: float) -> Frequencies:
    frequencies = Frequencies()
    frequencies._tables["names"] = _Known(rows, shares, time.monotonic())
    return frequencies


@pytest.mark.parametrize(
    ("tokens", "sure"),
    [
        ({"often"}, True),
        ({"twice"}, True),
        ({"once"}, False),
        ({"unknown"}, False),
        # How many rows have both is a guess.
        ({"often", "twice"}, False),
    ],
)
async def test_only_a_single_frequent_token_is_sure_to_have_many_matches(
    tokens: set[str], sure: bool
) -> None:
    frequencies = known(1_000_000, often=0.3, twice=0.02, once=0.0199)
    alternatives = [frozenset({"rare"}), frozenset(tokens)]
    assert await frequencies.surely_more(NOBODY, "names", alternatives, 10_000) is sure
