"""The state machine: every transition that there is, and no other."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from contracts.vocabulary import NoticeStatus
from office.notices.content import NoticeContent
from office.notices.errors import (
    AlreadyIssued,
    NotDraft,
    NoticeArchived,
    NoticeSuperseded,
    NoticeWithdrawn,
    NotPublished,
    NotReturnable,
    NotReviewing,
)
from office.notices.models import Notice

NOW = datetime(2023, 4, 27, 1, tzinfo=UTC)
ANYBODY = uuid.uuid4()
CONTENT = NoticeContent("标题", "<p>正文</p>")
S = NoticeStatus


def submit(notice: Notice) -> None:
    notice.submit(NOW)


def recall(notice: Notice) -> None:
    notice.recall(NOW)


def approve(notice: Notice) -> None:
    notice.approve(NOW)


def send_back(notice: Notice) -> None:
    notice.send_back(NOW)


def edit(notice: Notice) -> None:
    notice.edit(CONTENT, by=ANYBODY, now=NOW)


def issue(notice: Notice) -> None:
    notice.issue("教助中心〔2023〕11号", by=ANYBODY, now=NOW, publish_at=None)


def publish(notice: Notice) -> None:
    notice.publish(now=NOW, deadline=NOW + timedelta(days=1))


def withdraw(notice: Notice) -> None:
    notice.withdraw("内容有误", by=ANYBODY, now=NOW)


def supersede(notice: Notice) -> None:
    notice.supersede(uuid.uuid4(), NOW)


def archive(notice: Notice) -> None:
    notice.archive(NOW)


Act = Callable[[Notice], None]
WAYS: dict[NoticeStatus, list[Act]] = {
    S.DRAFT: [],
    S.REVIEWING: [submit],
    S.REVIEWED: [submit, approve],
    S.ISSUED: [issue],
    S.PUBLISHED: [issue, publish],
    S.WITHDRAWN: [issue, publish, withdraw],
    S.SUPERSEDED: [issue, publish, supersede],
    S.ARCHIVED: [issue, publish, archive],
}
TO: dict[Act, tuple[NoticeStatus, dict[NoticeStatus, type[Exception] | None]]] = {
    edit: (S.DRAFT, {**dict.fromkeys(S, NotDraft), S.DRAFT: None}),
    submit: (S.REVIEWING, {**dict.fromkeys(S, NotDraft), S.DRAFT: None}),
    recall: (S.DRAFT, {**dict.fromkeys(S, NotReviewing), S.REVIEWING: None}),
    approve: (S.REVIEWED, {**dict.fromkeys(S, NotReviewing), S.REVIEWING: None}),
    send_back: (S.DRAFT, {**dict.fromkeys(S, NotReturnable), S.REVIEWING: None, S.REVIEWED: None}),
    issue: (
        S.ISSUED,
        {**dict.fromkeys(S, AlreadyIssued), S.DRAFT: None, S.REVIEWING: None, S.REVIEWED: None},
    ),
    publish: (S.PUBLISHED, {**dict.fromkeys(S, NotPublished), S.ISSUED: None}),
}
CIRCULATING: dict[NoticeStatus, type[Exception] | None] = {
    **dict.fromkeys(S, NotPublished),
    S.PUBLISHED: None,
    S.WITHDRAWN: NoticeWithdrawn,
    S.SUPERSEDED: NoticeSuperseded,
    S.ARCHIVED: NoticeArchived,
}
TO |= {
    withdraw: (S.WITHDRAWN, {**CIRCULATING, S.ISSUED: None}),
    supersede: (S.SUPERSEDED, CIRCULATING),
    archive: (S.ARCHIVED, CIRCULATING),
}


def a_notice(status: NoticeStatus) -> Notice:
    notice = Notice.draft(CONTENT, publisher=uuid.uuid4(), by=ANYBODY, now=NOW)
    for act in WAYS[status]:
        act(notice)
    return notice


@pytest.mark.parametrize("status", S)
def test_every_status_is_reached(status: NoticeStatus) -> None:
    assert a_notice(status).status is status


@pytest.mark.parametrize("status", S)
@pytest.mark.parametrize("act", TO, ids=lambda act: act.__name__)
def test_each_act_leads_from_its_statuses_only(act: Act, status: NoticeStatus) -> None:
    notice = a_notice(status)
    target, refusals = TO[act]
    refusal, version = refusals[status], notice.version
    if refusal is None:
        act(notice)
        assert (notice.status, notice.version) == (target, version + 1)
    else:
        with pytest.raises(refusal):
            act(notice)
        assert (notice.status, notice.version) == (status, version)


def test_a_revision_holds_the_whole_content() -> None:
    content = NoticeContent("标题", "<p>正文</p>", attachments=[{"name": "日程", "note": None}])
    assert NoticeContent.load(content.dump()) == content
