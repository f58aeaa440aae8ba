"""Passwords that fulfil the rules of classes and are guessed first nevertheless."""

import pytest

from identity.authenticators.weak_passwords import is_weak


@pytest.mark.parametrize(
    "password",
    [
        "Password1!",
        "P@ssw0rd1",
        "Woaini1314!",
        "Woaini5201314",
        "Qwer1234!",
        "1qaz@WSX",
        "Abc123456!",
        "Admin@2026",
        "Zhuxue@2026",
        "Xszz2026!!",
        "Zhongguo19491001!",
        "Aa123456!",
        "Aaaa1111!",
        "Qwe!@#123",
        "Iloveyou.520",
        "Zhangsan19900307",
        "Dragon!!88",
    ],
)
def test_a_common_password_is_weak_whatever_is_put_around_it(password: str) -> None:
    assert is_weak(password)


@pytest.mark.parametrize(
    "password",
    ["Tianqi-2026", "Correct-Horse-Battery-7", "gH7#kl29Qx", "山高月小Shui7", "Rk4!vnpw", "Maque-xi0-niao"],
)
def test_a_password_with_a_part_of_its_own_is_not(password: str) -> None:
    assert not is_weak(password)


def test_a_password_that_is_long_enough_may_consist_of_words() -> None:
    assert is_weak("Dragon-Monkey1")
    assert not is_weak("Dragon-Monkey-Shadow-1")
