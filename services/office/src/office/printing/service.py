"""Notices as documents for the printer."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from contracts.documents import Urgency
from contracts.vocabulary import NoticeStatus
from office.actors import Actor
from office.directory.models import Unit
from office.directory.service import Units
from office.notices.errors import NoticeWithdrawn
from office.notices.models import Notice
from office.notices.service import Notices
from office.numbering.service import Numbering
from office.printing import flow, rules

_WATERMARKS = {
    NoticeStatus.DRAFT: "草　稿",
    NoticeStatus.REVIEWING: "送审稿",
    NoticeStatus.REVIEWED: "送审稿",
    NoticeStatus.WITHDRAWN: "已撤回",
    NoticeStatus.SUPERSEDED: "已被替代",
}


@dataclass(frozen=True)
class Printable:
    """A document for the printer, and a name for the file."""

    name: str
    document: dict[str, Any]
    version: int


class Printing:
    """Prepare notices for print within one request."""

    def __init__(self, units: Units, notices: Notices, numbering: Numbering) -> None:
        self._units = units
        self._notices = notices
        self._numbering = numbering

    async def printable(self, actor: Actor, notice_id: UUID, *, seal: bool) -> Printable:
        """Return a notice that the actor's unit has or has written; before its issue with a watermark.

        Raises `NotFound`, and `NoticeWithdrawn` for recipients of a withdrawn one.
        """
        unit = await self._units.own(actor)
        found = await self._notices.visible(actor, unit, notice_id)
        notice = found.notice
        if found.delivery is not None and notice.status is NoticeStatus.WITHDRAWN:
            raise NoticeWithdrawn
        publisher = unit if notice.publisher_id == unit.id else await self._units.get(notice.publisher_id)
        name = "" if publisher is None else publisher.name
        letterhead = await self._numbering.letterhead(notice.publisher_id, notice.number_prefix)
        document = _document(notice, publisher, letterhead or f"{name}文件", seal=seal)
        return Printable(notice.document_number or notice.title or "草稿", document, notice.version)


def _document(notice: Notice, publisher: Unit | None, letterhead: str, *, seal: bool) -> dict[str, Any]:
    """Return the elements of GB/T 9704-2012 §7, in the printer's form."""
    name = "" if publisher is None else publisher.name
    return {
        "title": notice.title,
        "title-lines": rules.title_lines(notice.title),
        "urgency": None if notice.urgency is Urgency.NORMAL else notice.urgency.label,
        "letterhead": letterhead,
        "number": notice.document_number or "",
        "salutation": rules.salutation(notice.salutation),
        "body": flow.blocks_of(notice.body),
        "attachments": [str(attachment["name"]) for attachment in notice.attachments],
        "signature": name,
        "date": "" if notice.issued_at is None else rules.date_of(notice.issued_at),
        "seal": seal,
        "remark": notice.remark,
        "copies": None if notice.copies is None else rules.ended(notice.copies),
        "office": notice.printing_office or name,
        "watermark": _WATERMARKS.get(notice.status),
        "max-pages": rules.MAX_PAGES,
    }
