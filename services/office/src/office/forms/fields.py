"""The fields of a form. The same models are the API's schema and what is stored."""

from datetime import date
from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

MAX_FIELDS: Final = 50
MAX_NUMBER: Final = 10**11
"""Numbers are below it: with four decimals they have 15 digits, which every spreadsheet keeps exactly."""

_LINE = r"^[^\x00-\x1f\x7f]+$"

Label = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=_LINE)]
Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,31}$")]
Number = Annotated[float, Field(gt=-MAX_NUMBER, lt=MAX_NUMBER, allow_inf_nan=False)]


class _Base(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    key: Key = Field(description="字段标识，表内不重复", examples=["attendees"])
    label: Label = Field(description="字段名称", examples=["参训人数"])
    required: bool = Field(default=False, description="是否必填", examples=[True])
    help: Label | None = Field(default=None, description="填写说明", examples=["含工作人员"])


class TextField(_Base):
    """文字."""

    type: Literal["text"] = Field(description="字段类型：文字")
    max_length: int = Field(default=500, ge=1, le=5000, description="最多字数", examples=[500])
    multiline: bool = Field(default=False, description="是否可以分行", examples=[False])


class NumberField(_Base):
    """数字."""

    type: Literal["number"] = Field(description="字段类型：数字")
    decimals: int = Field(default=0, ge=0, le=4, description="小数位数", examples=[0])
    minimum: Number | None = Field(default=None, description="最小值", examples=[0])
    maximum: Number | None = Field(default=None, description="最大值", examples=[1000])
    unit: Label | None = Field(default=None, description="计量单位", examples=["人"])

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise PydanticCustomError("range", "最小值不能大于最大值")
        return self


class DateField(_Base):
    """日期."""

    type: Literal["date"] = Field(description="字段类型：日期")
    earliest: date | None = Field(default=None, description="最早日期", examples=["2023-05-01"])
    latest: date | None = Field(default=None, description="最晚日期", examples=["2023-05-31"])

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.earliest is not None and self.latest is not None and self.earliest > self.latest:
            raise PydanticCustomError("range", "最早日期不能晚于最晚日期")
        return self


Options = Annotated[list[Label], Field(min_length=1, max_length=100)]


def _distinct(options: list[str]) -> None:
    if len(set(options)) < len(options):
        raise PydanticCustomError("options", "选项不能重复")


class ChoiceField(_Base):
    """单选."""

    type: Literal["choice"] = Field(description="字段类型：单选")
    options: Options = Field(description="选项", examples=[["线上", "现场"]])

    @model_validator(mode="after")
    def _check(self) -> Self:
        _distinct(self.options)
        return self


class MultiChoiceField(_Base):
    """多选."""

    type: Literal["multi_choice"] = Field(description="字段类型：多选")
    options: Options = Field(description="选项", examples=[["政策", "系统操作"]])
    max_choices: int | None = Field(default=None, ge=1, le=100, description="最多选几项", examples=[2])

    @model_validator(mode="after")
    def _check(self) -> Self:
        _distinct(self.options)
        return self


class AttachmentField(_Base):
    """附件."""

    type: Literal["attachment"] = Field(description="字段类型：附件")
    max_files: int = Field(default=1, ge=1, le=10, description="最多文件数", examples=[1])


CellField = Annotated[TextField | NumberField | DateField | ChoiceField, Field(discriminator="type")]
"""A column of a table."""


class TableField(_Base):
    """表格：可以填写多行."""

    type: Literal["table"] = Field(description="字段类型：表格")
    columns: list[CellField] = Field(min_length=1, max_length=20, description="列")
    max_rows: int = Field(default=50, ge=1, le=200, description="最多行数", examples=[50])

    @model_validator(mode="after")
    def _check(self) -> Self:
        _distinct_keys(self.columns)
        return self


FormField = Annotated[
    TextField | NumberField | DateField | ChoiceField | MultiChoiceField | AttachmentField | TableField,
    Field(discriminator="type"),
]
"""A field of a form."""

AnyField = TextField | NumberField | DateField | ChoiceField | MultiChoiceField | AttachmentField | TableField


class FormFields(BaseModel):
    """The fields of a form, in their order."""

    model_config = ConfigDict(extra="forbid")

    fields: list[FormField] = Field(min_length=1, max_length=MAX_FIELDS, description="字段，按填写顺序")

    @model_validator(mode="after")
    def _check(self) -> Self:
        _distinct_keys(self.fields)
        return self


def _distinct_keys(fields: list[AnyField] | list[TextField | NumberField | DateField | ChoiceField]) -> None:
    keys = [field.key for field in fields]
    if len(set(keys)) < len(keys):
        raise PydanticCustomError("keys", "字段标识不能重复")
