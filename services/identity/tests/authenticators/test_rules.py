"""The rules alone: passwords of GB/T 22239-2019 §8.1.4.1, and what each means is worth."""

import string
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authkit import acr
from identity.authenticators import rules

NOW = datetime(2026, 11, 22, tzinfo=UTC)
OWNER = {"phone": "13800000000", "name": "张三"}
CLASSES = {
    "lower": string.ascii_lowercase,
    "upper": string.ascii_uppercase,
    "digit": string.digits,
    "other": "!@#$%^&*-_ 学生资助",
}


@given(
    st.sets(st.sampled_from(sorted(CLASSES)), min_size=1).flatmap(
        lambda kinds: st.tuples(
            st.just(kinds),
            st.text(st.sampled_from("".join(CLASSES[kind] for kind in sorted(kinds))), max_size=200),
        )
    )
)
def test_a_password_is_taken_if_it_is_long_and_mixed_enough(drawn: tuple[set[str], str]) -> None:
    kinds, password = drawn
    present = {kind for kind in kinds if set(CLASSES[kind]) & set(password)}
    good = 8 <= len(password) <= 128 and len(present) >= 3
    assert (rules.objection(password, **OWNER) is None) == good
    assert rules.classes(password) == len(present)


@given(st.text(max_size=60))
def test_any_password_has_one_spelling(password: str) -> None:
    once = rules.normalised(password)
    assert rules.normalised(once) == once


@pytest.mark.parametrize("password", ["Aa-13800000000", "张三Aa123456", "Li Si-1234"])
def test_phone_number_and_name_are_no_part_of_a_password(password: str) -> None:
    owner = {"phone": "13800000000", "name": "li si" if "Si" in password else "张三"}
    assert rules.objection(password, **owner) == "密码不能包含本人的手机号或姓名。"


def test_full_width_letters_are_plain_ones() -> None:
    assert rules.normalised("Ａａ１２３４５６") == "Aa123456"


def test_the_level_that_each_means_gives() -> None:
    assert rules.highest(()) == acr.SMS
    assert rules.highest({"password"}) == acr.PASSWORD_SMS
    assert rules.highest({"password", "totp"}) == rules.highest({"passkey"}) == acr.MFA


@pytest.mark.parametrize(
    ("means", "have", "minutes", "expected"),
    [
        ((), acr.SMS, 5, True),
        ((), acr.SMS, 6, False),
        (("password",), acr.SMS, 0, False),
        (("password",), acr.PASSWORD_SMS, 0, True),
        (("password", "totp"), acr.PASSWORD_SMS, 0, False),
        (("totp",), acr.MFA, 5, True),
        (("passkey",), acr.MFA, 6, False),
    ],
)
def test_changes_need_a_recent_sign_in_of_the_highest_level_there_is(
    means: tuple[str, ...], have: str, minutes: int, expected: bool
) -> None:
    assert rules.may_change(means, have, NOW - timedelta(minutes=minutes), NOW) is expected


def test_the_last_strong_one() -> None:
    assert rules.is_last_strong({"totp"}, 0, "totp")
    assert rules.is_last_strong({"passkey", "password"}, 1, "passkey")
    assert not rules.is_last_strong({"totp", "passkey"}, 1, "passkey")
    assert not rules.is_last_strong({"passkey"}, 2, "passkey")
    assert not rules.is_last_strong({"password", "totp"}, 0, "password")


@pytest.mark.parametrize("need", [acr.PASSWORD_SMS, acr.MFA])
@pytest.mark.parametrize("fresh", [True, False])
@pytest.mark.parametrize("changes", [True, False])
@pytest.mark.parametrize(
    "means",
    [
        (),
        ("password",),
        ("totp",),
        ("passkey",),
        ("password", "totp"),
        ("password", "passkey"),
        ("password", "totp", "passkey"),
    ],
)
def test_a_page_that_asks_for_more_always_has_a_way_on(
    need: str, means: tuple[str, ...], fresh: bool, changes: bool
) -> None:
    offers = rules.offers(need, means, fresh_sms=fresh, changes=changes)
    enough = [one for one in means if acr.satisfies(rules.LEVELS[one], need)]
    ways = (offers.password, offers.totp, offers.passkey, offers.sms, offers.enrol)
    assert any(ways)
    # Nothing is offered that the person does not have, and nothing beside an SMS code that is not fresh.
    assert not (offers.password and not (fresh and "password" in means))
    assert not (offers.totp and not (fresh and "totp" in means))
    assert offers.passkey == ("passkey" in means)
    # Only who cannot reach the level may set something up, and only after all that they have.
    assert offers.enrol == (not enough and changes)
