"""Reading phone numbers and names."""

import pytest

from identity.accounts.rules import PhoneFault, is_real_name, normalise_name, read_phone


@pytest.mark.parametrize(
    "typed",
    [
        "13812345678",
        "138 1234 5678",
        "138-1234-5678",
        "+86 138-1234-5678",
        "+8613812345678",
        "008613812345678",
        "0086 138 1234 5678",
        "８６１３８１２３４５６７８",
        "１３８１２３４５６７８",
        "＋８６　１３８１２３４５６７８",
        "(+86)138—1234—5678",
    ],
)
def test_a_number_is_read_however_it_is_written(typed: str) -> None:
    assert read_phone(typed) == "13812345678"


@pytest.mark.parametrize("phone", ["16212345678", "19212345678", "19912345678", "17012345678", "19712345678"])
def test_the_current_number_plan_counts(phone: str) -> None:
    assert read_phone(phone) == phone


@pytest.mark.parametrize(
    ("typed", "fault"),
    [
        ("010-62345678", PhoneFault.LANDLINE),
        ("0531 8888 1234", PhoneFault.LANDLINE),
        ("400-800-1234", PhoneFault.LANDLINE),
        ("+1 415 555 0100", PhoneFault.FOREIGN),
        ("+852 9123 4567", PhoneFault.FOREIGN),
        ("12345678901", PhoneFault.UNKNOWN),
        ("17412345678", PhoneFault.UNKNOWN),
        ("1381234567", PhoneFault.UNREADABLE),
        ("138123456789", PhoneFault.UNREADABLE),
        ("13812345678x12", PhoneFault.UNREADABLE),
        ("", PhoneFault.UNREADABLE),
        ("+" * 40, PhoneFault.UNREADABLE),
    ],
)
def test_another_number_is_refused_with_the_reason(typed: str, fault: PhoneFault) -> None:
    assert read_phone(typed) is fault


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("王小明", "王小明"),
        (" 王　小 明 ", "王小明"),
        ("阿卜杜拉・买买提", "阿卜杜拉·买买提"),
        ("阿卜杜拉 • 买买提", "阿卜杜拉·买买提"),
        ("买买提.艾力.吐尔逊", "买买提·艾力·吐尔逊"),
        ("𬱖㛃", "𬱖㛃"),
        ("赵〇一", "赵〇一"),
        ("王\ufe00小明", "王小明"),
        ("Ｊｏｈｎ　  Smith", "John Smith"),
        ("José O'Neill-García", "José O'Neill-García"),
    ],
)
def test_a_name_is_stored_in_one_form(typed: str, stored: str) -> None:
    assert normalise_name(typed) == stored
    assert is_real_name(stored)
    assert normalise_name(stored) == stored


@pytest.mark.parametrize(
    "name",
    [
        "王",
        "王小明3",
        "<b>王</b>",
        "·王小明",
        "王小明·",
        "王··明",
        "",
        "John3",
        "王John",
        "Мария",
        "王" * 31,
        "\ue000明",
    ],
)
def test_what_cannot_be_a_legal_name_is_refused(name: str) -> None:
    assert not is_real_name(normalise_name(name))
