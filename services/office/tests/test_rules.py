from datetime import UTC, date, datetime, timedelta

import pytest

from office.notices import rules
from office.notices.rules import CalendarNotPublishedError, DeadlineOutOfRangeError

THURSDAY = datetime(2023, 4, 27, 1, tzinfo=UTC)


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


def test_five_workdays_after_27_april_2023_end_with_8_may_in_beijing() -> None:
    assert rules.deadline("平件", 5, THURSDAY) == datetime(2023, 5, 8, 15, 59, 59, tzinfo=UTC)


def test_the_day_of_issue_is_counted_in_beijing() -> None:
    late_evening_utc = datetime(2023, 4, 26, 17, tzinfo=UTC)  # 27 April, 01:00 in Beijing
    assert rules.deadline("加急", None, late_evening_utc).date() == date(2023, 4, 28)


def test_urgency_decides_when_no_days_are_given() -> None:
    assert rules.deadline("平件", None, THURSDAY) == datetime(2023, 5, 4, 15, 59, 59, tzinfo=UTC)
    assert rules.deadline("加急", None, THURSDAY) == datetime(2023, 4, 28, 15, 59, 59, tzinfo=UTC)
    assert rules.deadline("特急", None, THURSDAY) == THURSDAY + timedelta(hours=4)


def test_a_year_without_published_holidays_is_not_guessed() -> None:
    with pytest.raises(CalendarNotPublishedError) as caught:
        rules.deadline("平件", 1, datetime(2030, 12, 30, 1, tzinfo=UTC))
    assert caught.value.year == 2030


@pytest.mark.parametrize("ahead", [timedelta(0), timedelta(seconds=-1), timedelta(days=367)])
def test_an_explicit_deadline_lies_within_a_year(ahead: timedelta) -> None:
    with pytest.raises(DeadlineOutOfRangeError):
        rules.check_deadline(THURSDAY + ahead, THURSDAY)


def test_a_deadline_with_no_utc_form_is_out_of_range() -> None:
    for text in ("9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+14:00"):
        with pytest.raises(DeadlineOutOfRangeError):
            rules.check_deadline(datetime.fromisoformat(text), THURSDAY)


@pytest.mark.parametrize("secrecy", ["秘密", "机密★1年", "绝密"])
def test_a_class_in_the_field_is_refused(secrecy: str) -> None:
    assert rules.is_classified(secrecy, [])


@pytest.mark.parametrize("text", ["机密★1年", "正文\n绝密 ★ 长期", "秘密", "密级：机密", "密级:秘密 "])
def test_a_mark_in_the_text_is_refused(text: str) -> None:
    assert rules.is_classified("无", ["普通", text])


@pytest.mark.parametrize(
    "text", ["各单位要遵守保守国家秘密法。", "不得泄露受助学生的秘密", "涉密人员名单另发"]
)
def test_the_words_in_a_sentence_are_no_mark(text: str) -> None:
    assert not rules.is_classified("无", [text])
