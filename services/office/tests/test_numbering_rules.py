"""The form of a document number."""

import pytest

from office.numbering import rules


@pytest.mark.parametrize("text", ["教助中心〔2023〕11号", "鲁教助〔2024〕1号", "校〔1999〕99999号"])
def test_a_document_number_has_its_year_in_tortoise_shell_brackets(text: str) -> None:
    assert rules.is_document_number(text)


@pytest.mark.parametrize(
    "text",
    [
        "教助中心[2023]11号",
        "教助中心（2023）11号",
        "教助中心〔23〕11号",
        "教助中心〔2023〕011号",
        "教助中心〔2023〕第11号",
        "教助中心〔2023〕11",
        "〔2023〕11号",
        "",
        "教助中心〔2023〕11号\n",
    ],
)
def test_any_other_form_of_document_number_is_refused(text: str) -> None:
    assert not rules.is_document_number(text)


def test_a_number_is_written_as_the_standard_says() -> None:
    text = rules.document_number("教助中心", 2023, 11)
    assert text == "教助中心〔2023〕11号"
    assert rules.is_document_number(text)
