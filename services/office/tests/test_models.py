"""The state machine: draft, published, withdrawn, and no other way."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from office.notices.errors import NotDraft, NoticeWithdrawn, NotPublished
from office.notices.models import Notice, NoticeContent

NOW = datetime(2023, 4, 27, 1, tzinfo=UTC)
ANYBODY = uuid.uuid4()
CONTENT = NoticeContent("教助中心〔2023〕11号", "标题", ["正文"], "平件", [], None, None)


def a_notice(status: str) -> Notice:
    notice = Notice.draft(CONTENT, publisher=uuid.uuid4(), by=ANYBODY, now=NOW)
    if status in {"published", "withdrawn"}:
        notice.publish(by=ANYBODY, now=NOW, deadline=NOW + timedelta(days=1))
    if status == "withdrawn":
        notice.withdraw(by=ANYBODY, now=NOW)
    return notice


def test_a_draft_becomes_published_and_then_withdrawn() -> None:
    assert [a_notice(status).status for status in ("draft", "published", "withdrawn")] == [
        "draft",
        "published",
        "withdrawn",
    ]


def test_every_change_is_a_new_version() -> None:
    notice = a_notice("draft")
    versions = [notice.version]
    notice.edit(CONTENT, now=NOW)
    versions.append(notice.version)
    notice.publish(by=ANYBODY, now=NOW, deadline=NOW)
    versions.append(notice.version)
    assert versions == [1, 2, 3]


@pytest.mark.parametrize("status", ["published", "withdrawn"])
def test_only_a_draft_is_edited_or_published(status: str) -> None:
    notice = a_notice(status)
    with pytest.raises(NotDraft):
        notice.edit(CONTENT, now=NOW)
    with pytest.raises(NotDraft):
        notice.publish(by=ANYBODY, now=NOW, deadline=NOW)


@pytest.mark.parametrize(("status", "refusal"), [("draft", NotPublished), ("withdrawn", NoticeWithdrawn)])
def test_only_a_published_notice_is_withdrawn_or_circulates(status: str, refusal: type[Exception]) -> None:
    notice = a_notice(status)
    with pytest.raises(refusal):
        notice.withdraw(by=ANYBODY, now=NOW)
    with pytest.raises(refusal):
        notice.check_published()
