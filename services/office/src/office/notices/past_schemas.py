"""API schemas of the past of notices: their history and the revisions of drafts."""

from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel, Field

from contracts.documents import NoticeStep
from office.notices.models import Revision, Step
from office.notices.schemas import TITLE, ContentOut, NamedRecipients, NoticeRef, named
from office.notices.service import OldVersion


class StepOut(BaseModel):
    """A step in the history of a notice."""

    step: NoticeStep = Field(description="步骤", examples=["issued"])
    at: datetime = Field(description="时间", examples=["2023-04-27T01:00:00Z"])
    by: UUID | None = Field(description="办理人的标识；系统自动办理的为空")
    name: str | None = Field(description="办理人姓名", examples=["李明"])
    note: str | None = Field(description="意见、原因或说明", examples=[None])


class HistoryOut(BaseModel):
    """Who did what when."""

    items: list[StepOut] = Field(description="办理过程，从旧到新")

    @classmethod
    def of(cls, steps: list[Step], names: dict[UUID, str]) -> Self:
        """Convert steps."""
        return cls(
            items=[
                StepOut(
                    step=one.step,
                    at=one.at,
                    by=one.by,
                    name=None if one.by is None else names.get(one.by),
                    note=one.note,
                )
                for one in steps
            ]
        )


class RevisionLine(BaseModel):
    """A revision of a draft."""

    version: int = Field(description="版本", examples=[3])
    at: datetime = Field(description="保存时间", examples=["2023-04-27T01:00:00Z"])
    by: UUID = Field(description="修改人的标识")
    name: str | None = Field(description="修改人姓名", examples=["王芳"])
    title: str = Field(description="当时的标题", examples=[TITLE])

    @classmethod
    def of(cls, revision: Revision, names: dict[UUID, str]) -> Self:
        """Convert a stored revision."""
        return cls(
            version=revision.version,
            at=revision.at,
            by=revision.by,
            name=names.get(revision.by),
            title=str(revision.content["title"]),
        )


class RevisionsOut(BaseModel):
    """The revisions of a draft."""

    items: list[RevisionLine] = Field(description="修订版本，从新到旧，最多 500 个")


class RevisionOut(NamedRecipients, RevisionLine):
    """A revision with its content."""

    content: ContentOut = Field(description="当时的内容")
    replaces: NoticeRef | None = Field(description="当时要替代的通知")

    @classmethod
    def of_content(cls, old: OldVersion) -> Self:
        """Convert a stored revision with its content."""
        return cls(
            **RevisionLine.of(old.revision, old.names).model_dump(),
            content=ContentOut.model_validate(old.content),
            replaces=NoticeRef.among(old.content.supersedes_id, old.titles),
            **named(old.recipients),
        )
