"""API schemas of answers."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StringConstraints

from contracts.documents import AnswerStatus
from office.answers.models import AnswerRevision
from office.answers.service import OwnAnswer
from office.files.schemas import FileRef
from office.forms.schemas import FormOut

# PostgreSQL cannot store NUL; other control characters are input errors.
_TEXT = r"^[^\x00-\x08\x0b-\x1f\x7f]+$"
_EXAMPLE: dict[str, Any] = {"attendees": 12, "way": "线上"}

Note = Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=1000, pattern=_TEXT)]
Values = dict[str, JsonValue]
"""What was filled in, by the keys of the fields."""


class AnswerIn(BaseModel):
    """What was filled in so far."""

    model_config = ConfigDict(extra="forbid")

    values: Values = Field(max_length=100, description="各字段的内容，按字段标识", examples=[_EXAMPLE])


class SubmitIn(BaseModel):
    """What is submitted."""

    model_config = ConfigDict(extra="forbid")

    values: Values | None = Field(
        default=None,
        max_length=100,
        description="各字段的内容；不填则提交填写中的内容",
        examples=[_EXAMPLE],
    )


class ReopenIn(BaseModel):
    """What is to be changed."""

    model_config = ConfigDict(extra="forbid")

    note: Note = Field(description="需要修改之处", examples=["参训人数与名单不一致，请核对。"])


class AnswerOut(BaseModel):
    """The answer of the caller's unit, with the form."""

    form: FormOut = Field(description="答复表单")
    files: list[FileRef] = Field(description="附件字段中的文件，包括填写中的和已提交的")
    deadline: datetime = Field(description="办理截止时间；之后不能修改已提交的答复")
    status: AnswerStatus | None = Field(description="状态；尚未填写的为空", examples=["draft"])
    draft: Values | None = Field(description="填写中的内容，仅本单位可见", examples=[_EXAMPLE])
    saved_by: UUID | None = Field(description="最近填写人")
    saved_by_name: str | None = Field(description="最近填写人姓名", examples=["张三"])
    saved_at: datetime | None = Field(description="最近保存时间")
    values: Values | None = Field(description="已提交的内容", examples=[_EXAMPLE])
    number: int = Field(description="提交次数", examples=[1])
    late: bool = Field(description="首次提交是否逾期", examples=[False])
    submitted_by: UUID | None = Field(description="最近提交人")
    submitted_by_name: str | None = Field(description="最近提交人姓名", examples=["张三"])
    submitted_at: datetime | None = Field(description="最近提交时间")
    note: str | None = Field(description="上级单位退回修改的说明")
    reopened_at: datetime | None = Field(description="退回修改的时间")
    version: int = Field(description="版本，即 ETag 引号内的数字；尚未填写的为 0", examples=[0])

    @classmethod
    def of(cls, own: OwnAnswer) -> Self:
        """Convert the answer of the caller's unit."""
        answer = own.answer
        files = [FileRef.model_validate(file) for file in own.files]
        common = {"form": FormOut.of(own.form), "deadline": own.delivery.deadline, "files": files}
        if answer is None:
            nothing = dict.fromkeys(cls.model_fields.keys() - common.keys())
            return cls.model_validate({**nothing, **common, "number": 0, "late": False, "version": 0})
        return cls.model_validate(
            {
                **common,
                "status": answer.status,
                "draft": answer.draft,
                "saved_by": answer.saved_by,
                "saved_by_name": None if answer.saved_by is None else own.names.get(answer.saved_by),
                "saved_at": answer.saved_at,
                "values": answer.values,
                "number": answer.number,
                "late": answer.late,
                "submitted_by": answer.submitted_by,
                "submitted_by_name": (
                    None if answer.submitted_by is None else own.names.get(answer.submitted_by)
                ),
                "submitted_at": answer.submitted_at,
                "note": answer.note,
                "reopened_at": answer.reopened_at,
                "version": answer.version,
            }
        )


class AnswerRevisionOut(BaseModel):
    """An answer as it was submitted once."""

    model_config = ConfigDict(from_attributes=True)

    number: int = Field(description="第几次提交", examples=[1])
    values: Values = Field(description="提交的内容", examples=[_EXAMPLE])
    submitted_by: UUID = Field(description="提交人")
    submitted_by_name: str | None = Field(default=None, description="提交人姓名", examples=["张三"])
    submitted_at: datetime = Field(description="提交时间")


class AnswerRevisionsOut(BaseModel):
    """What a unit has submitted."""

    items: list[AnswerRevisionOut] = Field(description="历次提交，从新到旧，最多 100 次")

    @classmethod
    def of(cls, found: tuple[Sequence[AnswerRevision], Mapping[UUID, str]]) -> Self:
        """Convert stored revisions, with the names of people."""
        revisions, names = found
        items = [AnswerRevisionOut.model_validate(one) for one in revisions]
        for item in items:
            item.submitted_by_name = names.get(item.submitted_by)
        return cls(items=items)
