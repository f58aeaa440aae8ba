"""Reading codes and addresses, and the questions of captchas."""

from random import Random

import pytest

from identity.codes.questions import KINDS, ask, number_of, numeral
from identity.codes.rules import Budget, code_of, network_of, part_of, shared_part

SMS = "【学生资助】您的登录验证码为 683344，5 分钟内有效，请勿告知他人。"


@pytest.mark.parametrize(
    "typed",
    ["683344", " 683 344 ", "683-344", "６８３３４４", "6 8 3 3 4 4", SMS, "电话13812345678，码 683344"],
)
def test_a_code_is_read_however_it_was_pasted(typed: str) -> None:
    assert code_of(typed) == "683344"


@pytest.mark.parametrize(
    "typed", ["", "68334", "6833445", "13812345678", "683344 112233", "abcdef", "٣٣٣٣٣٣"]
)
def test_a_text_without_one_code_is_none(typed: str) -> None:
    assert code_of(typed) is None


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", "2001:db8:1:3::/64"),
        ("testclient", "testclient"),
    ],
)
def test_an_ipv6_customer_is_one_address(address: str, network: str) -> None:
    assert network_of(address) == network


@pytest.mark.parametrize(("limit", "free"), [(1, 1), (2, 1), (10, 5), (11, 6)])
def test_half_of_a_budget_is_free_of_captchas(limit: int, free: int) -> None:
    from datetime import timedelta

    assert Budget("number", b"", limit, timedelta(days=1)).free == free
    assert shared_part(limit) == free


def test_every_question_is_short_chinese_text_with_a_small_number_as_answer() -> None:
    random = Random(7)
    asked = [ask(random) for _ in range(500)]
    assert len({question.text for question in asked}) > 300
    for question in asked:
        assert 0 < question.answer < 100
        assert 6 < len(question.text) < 60
        assert question.text[0] == "“" or "\u4e00" <= question.text[0] <= "\u9fff"
    assert len(KINDS) == 6


@pytest.mark.parametrize(
    ("typed", "number"),
    [("27", 27), (" ２７ ", 27), ("二十七", 27), ("十", 10), ("x", None), ("", None), ("-1", None)],
)
def test_an_answer_is_read_in_digits_or_characters(typed: str, number: int | None) -> None:
    assert number_of(typed) == number


def test_numerals_of_two_digits_are_different() -> None:
    assert len({numeral(n) for n in range(100)}) == 100
    assert (numeral(0), numeral(10), numeral(11), numeral(20), numeral(99)) == (
        "零",
        "十",
        "十一",
        "二十",
        "九十九",
    )


@pytest.mark.parametrize(
    ("limit", "parts"), [(0, 1), (1, 1), (3999, 1), (4000, 2), (50_001, 16), (10**6, 16)]
)
def test_a_large_budget_of_the_deployment_is_divided_among_rows(limit: int, parts: int) -> None:
    found = {
        (one.kind, one.key, one.limit)
        for first in range(256)
        for one in [part_of("total", limit, bytes([first, 7]))]
    }
    assert len(found) == parts
    assert limit <= sum(most for _, _, most in found) < limit + parts
    # A process of the release before counts under the empty key.
    assert parts > 1 or {key for _, key, _ in found} == {b""}
