"""API schemas of collected answers."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Self
from uuid import UUID

from pydantic import BaseModel, Field, JsonValue

from contracts.documents import AnswerStatus
from office.collected.repository import Line, NumberTotal
from office.collected.service import Collected, FieldTotal, Summary
from office.directory.schemas import UnitRef
from office.files.schemas import FileRef
from office.forms.schemas import FormOut
from servicekit.paging import CountedPage, Total

_EXAMPLE: dict[str, Any] = {"attendees": 12, "way": "线上"}


class CollectedLineOut(BaseModel):
    """A unit and its answer."""

    unit: UnitRef | None = Field(description="单位；尚未同步时为空")
    status: AnswerStatus | None = Field(description="答复状态；尚未填写的为空", examples=["submitted"])
    values: dict[str, JsonValue] | None = Field(description="已提交的内容", examples=[_EXAMPLE])
    late: bool = Field(description="首次提交是否逾期", examples=[False])
    number: int = Field(description="提交次数", examples=[1])
    submitted_by: UUID | None = Field(description="最近提交人")
    submitted_by_name: str | None = Field(description="最近提交人姓名", examples=["张三"])
    submitted_at: datetime | None = Field(description="最近提交时间")
    note: str | None = Field(description="退回修改的说明")
    files: list[FileRef] = Field(description="已提交的附件")

    @classmethod
    def of(cls, line: Line, collected: Collected) -> Self:
        """Convert a query row."""
        answer, names = line.answer, collected.names
        by = None if answer is None else answer.submitted_by
        return cls(
            unit=None if line.unit is None else UnitRef.model_validate(line.unit),
            status=None if answer is None else answer.status,
            values=None if answer is None else answer.values,
            late=answer is not None and answer.late,
            number=0 if answer is None else answer.number,
            submitted_by=by,
            submitted_by_name=None if by is None else names.get(by),
            submitted_at=None if answer is None else answer.submitted_at,
            note=None if answer is None else answer.note,
            files=[FileRef.model_validate(file) for file in collected.files_of(line)],
        )


class CollectedOut(CountedPage[CollectedLineOut]):
    """A page of the table, with the form that names its columns."""

    form: FormOut = Field(description="答复表单")

    @classmethod
    def of(cls, collected: Collected) -> Self:
        """Convert a page of the table."""
        return cls(
            items=[CollectedLineOut.of(line, collected) for line in collected.page.items],
            next=collected.page.next,
            total=collected.total,
            form=FormOut.of(collected.form),
        )


class NumberTotalOut(BaseModel):
    """What was answered to a number field. Decimal numbers are text, so that none loses digits."""

    answers: int = Field(description="填写的个数", examples=[240])
    total: Decimal = Field(description="合计", examples=["2880"])
    least: Decimal | None = Field(description="最小值", examples=["1"])
    most: Decimal | None = Field(description="最大值", examples=["96"])

    @classmethod
    def of(cls, number: NumberTotal) -> Self:
        """Convert the totals."""
        return cls(answers=number.answers, total=number.total, least=number.least, most=number.most)


class OptionTotalOut(BaseModel):
    """How often an option was chosen."""

    option: str = Field(description="选项", examples=["线上"])
    answers: int = Field(description="选择的单位数", examples=[180])


class FieldTotalOut(BaseModel):
    """What was answered to a field that can be summed up."""

    key: str = Field(description="字段标识", examples=["attendees"])
    column: str | None = Field(description="表格字段中的列标识；其他字段为空")
    label: str = Field(description="字段名称", examples=["参训人数"])
    number: NumberTotalOut | None = Field(description="数字字段的合计；其他字段为空")
    options: list[OptionTotalOut] | None = Field(description="单选、多选字段各选项的个数；其他字段为空")

    @classmethod
    def of(cls, total: FieldTotal) -> Self:
        """Convert the totals of a field."""
        options = None
        if total.options is not None:
            options = [
                OptionTotalOut(option=option, answers=count) for option, count in total.options.items()
            ]
        return cls(
            key=total.key,
            column=total.column,
            label=total.label,
            number=None if total.number is None else NumberTotalOut.of(total.number),
            options=options,
        )


class SummaryOut(BaseModel):
    """The totals of the answers of a subtree."""

    unit: UnitRef = Field(description="汇总范围：该单位及其下级")
    answered: int = Field(description="已提交的单位数", examples=[240])
    late: int = Field(description="其中逾期提交的", examples=[3])
    reopened: int = Field(description="其中退回修改中的", examples=[1])
    draft: int = Field(description="填写中尚未提交的", examples=[5])
    missing: Total = Field(description="已收到通知而未提交的单位数，不含已退回通知的")
    fields: list[FieldTotalOut] = Field(description="各字段的汇总")

    @classmethod
    def of(cls, summary: Summary) -> Self:
        """Convert the totals."""
        return cls(
            unit=UnitRef.model_validate(summary.unit),
            **summary.counts._asdict(),
            missing=summary.missing,
            fields=[FieldTotalOut.of(total) for total in summary.fields],
        )
