"""Codes of the device flow (RFC 8628 §6.1) and how old a sign-in may be."""

from datetime import UTC, datetime, timedelta

import pytest

from identity.oauth.device.rules import ALPHABET, new_user_code, normal, shown, too_old

NOW = datetime(2026, 9, 1, tzinfo=UTC)


def test_a_code_is_read_in_whatever_way_it_was_typed() -> None:
    code = new_user_code()
    assert set(code) <= set(ALPHABET)
    for typed in (
        code,
        shown(code),
        shown(code).lower(),
        f" {code[:4]} {code[4:]}",
        f"{code[:4]}—{code[4:]}",
    ):
        assert normal(typed) == code


@pytest.mark.parametrize("typed", ["", "BCDF-GHJ", "BCDF-GHJKL", "ABCD-EFGH", "1234-5678"])
def test_other_text_is_no_code(typed: str) -> None:
    assert normal(typed) is None


@pytest.mark.parametrize(
    ("seconds", "max_age", "old"),
    [(60, None, False), (60, 60, False), (61, 60, True), (0, 0, True), (0, 1, False)],
)
def test_a_sign_in_is_too_old_after_max_age_and_always_at_zero(
    seconds: int, max_age: int | None, old: bool
) -> None:
    assert too_old(NOW - timedelta(seconds=seconds), max_age, NOW) is old
