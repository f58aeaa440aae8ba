"""What the drafter writes: the fields of GB/T 9704-2012 §7 that are not derived. Pure.

Derived are 密级 (always 无), 发文机关标志 (of the number series), 发文字号 (given at the issue), 签发人 (who
issued it), 署名 (the unit), 成文日期 and 印发日期 (of the issue), 印章 (a place in print), 页码 (in print).
There is no 份号: only classified documents have one (§7.2.1).
"""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter

from contracts.documents import NoticeKind, Urgency
from office.addressing.rules import ALL_CHILDREN, Address
from office.writing import richtext


@dataclass(frozen=True)
class NoticeContent:
    """The content of a draft. `deadline` and `deadline_workdays` are mutually exclusive."""

    title: str
    body: str
    """HTML."""
    kind: NoticeKind = NoticeKind.NOTICE
    urgency: Urgency = Urgency.NORMAL
    number_prefix: str | None = None
    """机关代字; None: the unit's preferred one."""
    salutation: str | None = None
    """主送机关 as text."""
    copies: str | None = None
    """抄送."""
    attachments: list[dict[str, Any]] = field(default_factory=list)
    remark: str | None = None
    """附注."""
    printing_office: str | None = None
    """印发机关; None: the unit."""
    deadline: datetime | None = None
    deadline_workdays: int | None = None
    supersedes_id: UUID | None = None
    """The own notice that this one replaces when it is published."""
    recipients: Address = ALL_CHILDREN

    def cleaned(self) -> "NoticeContent":
        """Return the content with a sanitised body. Raises `richtext.TooDeepError`."""
        return replace(self, body=richtext.clean(self.body))

    def texts(self) -> list[str]:
        """Return every text of a cleaned content, plain."""
        fields = (self.title, self.salutation, self.copies, self.remark, self.printing_office)
        attached = (one.get(key) for one in self.attachments for key in ("name", "note"))
        texts = [richtext.plain(self.body), *fields, *attached]
        return [text for text in texts if isinstance(text, str)]

    def file_places(self) -> dict[UUID, tuple[str | int, ...]]:
        """Return the files of the attachments, in their order, and where each stands in a request."""
        places: dict[UUID, tuple[str | int, ...]] = {}
        for index, one in enumerate(self.attachments):
            if one.get("file_id"):
                places.setdefault(UUID(one["file_id"]), ("attachments", index, "file_id"))
        return places

    def dump(self) -> dict[str, Any]:
        """Return the content as JSON, for a revision."""
        dumped: dict[str, Any] = _JSON.dump_python(self, mode="json")
        return dumped

    @staticmethod
    def load(dumped: dict[str, Any]) -> "NoticeContent":
        """Return the content of a revision."""
        return _JSON.validate_python(dumped)


_JSON = TypeAdapter(NoticeContent)
