"""Identity numbers by GB 11643-1999."""

from datetime import date

import pytest

from identity.accounts.rules import mask_id_number
from identity.verification.rules import IdFault, check_character, read_id_number

TODAY = date(2026, 11, 26)
# The examples of the standard, annex A.
EXAMPLES = ("11010519491231002X", "440524188001010014")


def test_the_check_characters_of_the_standard_s_examples() -> None:
    for number in EXAMPLES:
        assert check_character(number[:17]) == number[17]


@pytest.mark.parametrize(
    "typed",
    [
        "11010519491231002X",
        "11010519491231002x",
        "110105 19491231 002x",
        "１１０１０５１９４９１２３１００２ｘ",
        "110105-19491231-002X",
    ],
)
def test_a_number_is_read_however_it_is_written(typed: str) -> None:
    assert read_id_number(typed, TODAY) == "11010519491231002X"


@pytest.mark.parametrize(
    ("typed", "fault"),
    [
        ("", IdFault.LENGTH),
        ("110105491231002", IdFault.LENGTH),
        ("11010519491231002XX", IdFault.LENGTH),
        ("X1010519491231002X", IdFault.LENGTH),
        ("000105194912310020", IdFault.PLACE),
        ("11010519490231002X", IdFault.DATE),
        ("11010519490631002X", IdFault.DATE),
        ("440524188001010014", IdFault.DATE),
        ("110105202612310027", IdFault.DATE),
        ("110105194912310020", IdFault.CHECK),
        ("110105194912310021", IdFault.CHECK),
    ],
)
def test_another_text_is_refused_with_the_reason(typed: str, fault: IdFault) -> None:
    assert read_id_number(typed, TODAY) is fault


def test_every_changed_digit_and_every_swap_of_neighbours_is_found() -> None:
    number = "11010519491231002X"
    for place in range(17):
        for digit in "0123456789":
            changed = number[:place] + digit + number[place + 1 :]
            if changed != number:
                assert read_id_number(changed, TODAY) != changed
        swapped = number[:place] + number[place + 1] + number[place] + number[place + 2 :]
        if swapped != number:
            assert read_id_number(swapped, TODAY) != swapped


@pytest.mark.parametrize("division", ["659012", "540581", "653229", "810000", "830000"])
def test_new_divisions_and_residents_of_hong_kong_and_taiwan_are_known(division: str) -> None:
    first = f"{division}19900307123"
    assert read_id_number(first + check_character(first), TODAY) == first + check_character(first)


def test_a_number_is_masked_but_for_three_and_four_digits() -> None:
    assert mask_id_number("11010519491231002X") == "110***********002X"
