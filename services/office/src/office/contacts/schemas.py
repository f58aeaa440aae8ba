"""API schemas of the address book."""

from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator

from contracts.documents import ContactRelation, ExportFormat
from contracts.vocabulary import Kind, Level, Open, UnitStatus
from office.contacts.repository import Contact, Figures, UnitCard
from office.contacts.service import CountedCard, UnitView
from office.directory.schemas import UnitRef


class ContactOut(BaseModel):
    """A person in a unit."""

    sub: UUID
    name: str = Field(description="姓名", examples=["王小明"])
    unit_id: UUID = Field(description="单位的标识")
    unit_name: str = Field(description="单位名称", examples=["历下区学生资助管理中心"])
    relation: ContactRelation = Field(description="与本单位的关系", examples=["own"])
    posts: list[str] = Field(description="在该单位的职务", examples=[["主任"]])
    phone_masked: str | None = Field(
        description="隐去中间四位的手机号；不可见时为空。完整号码在统一用户认证中查看",
        examples=["138****0000"],
    )
    duty_phone: str | None = Field(description="单位的值班电话", examples=["0531-12345678"])

    @classmethod
    def of(cls, contact: Contact) -> Self:
        """Convert a person."""
        return cls.model_validate(contact, from_attributes=True)


class PersonOut(BaseModel):
    """A person, in each of the units where the caller sees them."""

    sub: UUID
    name: str = Field(description="姓名", examples=["王小明"])
    full_phone: bool = Field(
        description="是否可以填写事由后在统一用户认证中查看完整手机号（POST /api/v1/accounts/{sub}/unmask）",
        examples=[False],
    )
    posts: list[ContactOut] = Field(description="所在单位和职务")


class FiguresOut(BaseModel):
    """Numbers of a unit."""

    people: int = Field(description="本单位人数", examples=[6])
    children: int = Field(description="直接下级单位数", examples=[12])
    units_below: int = Field(description="全部下级单位数", examples=[1040])
    people_below: int = Field(description="下级单位人数，按主要任职单位计", examples=[2080])

    @classmethod
    def of(cls, figures: Figures | None) -> Self | None:
        """Convert the numbers, if they are visible."""
        return None if figures is None else cls.model_validate(figures, from_attributes=True)


class UnitCardOut(UnitRef):
    """A unit in the address book."""

    short_name: str = Field(description="简称", examples=["历下区"])
    level: Open[Level] = Field(description="层级", examples=["county"])
    kind: Open[Kind] = Field(description="类别", examples=["student_aid"])
    status: Open[UnitStatus] = Field(description="状态", examples=["active"])
    relation: ContactRelation = Field(description="与本单位的关系", examples=["below"])
    duty_phone: str | None = Field(description="值班电话；未填写时为空", examples=["0531-12345678"])
    address: str | None = Field(description="地址；未填写时为空", examples=["济南市历下区文化东路1号"])
    figures: FiguresOut | None = Field(description="人数和下级单位数；不可见时为空")

    @classmethod
    def of(cls, counted: CountedCard) -> Self:
        """Convert a unit of a list."""
        return cls(**_card(counted.card), figures=FiguresOut.of(counted.figures))


class FormerNameOut(BaseModel):
    """A former name."""

    name: str = Field(description="曾用名", examples=["历下区学生资助办公室"])
    valid_from: datetime = Field(description="启用时间")
    valid_to: datetime = Field(description="停用时间")


class FormerPlaceOut(BaseModel):
    """Where the unit stood before."""

    parent: UnitRef | None = Field(description="当时的上级单位；没有或未同步时为空")
    status: Open[UnitStatus] = Field(description="当时的状态", examples=["active"])
    valid_from: datetime = Field(description="开始时间")
    valid_to: datetime = Field(description="结束时间")


class UnitPageOut(UnitCardOut):
    """A unit's page."""

    ancestors: list[UnitRef] = Field(description="各级上级单位，从最高级起")
    merged_into: UnitRef | None = Field(description="撤销后承接其工作的单位")
    former_names: list[FormerNameOut] = Field(description="曾用名，从早到晚")
    former_places: list[FormerPlaceOut] = Field(description="以往的隶属关系，从早到晚")
    contacts_visible: bool = Field(description="是否可以查看该单位的人员", examples=[True])

    @classmethod
    def of_view(cls, view: UnitView) -> Self:
        """Convert a unit's page."""
        return cls(
            **_card(view.card),
            figures=FiguresOut.of(view.figures),
            ancestors=[UnitRef.model_validate(unit) for unit in view.ancestors],
            merged_into=_ref(view.merged_into),
            former_names=[
                FormerNameOut.model_validate(one.model_dump()) for one in view.card.unit.former_names
            ],
            former_places=[
                FormerPlaceOut(
                    parent=_ref(above),
                    status=place.status,
                    valid_from=place.valid_from,
                    valid_to=place.valid_to,
                )
                for place, above in view.former
            ],
            contacts_visible=view.figures is not None,
        )


def _ref(unit: object) -> UnitRef | None:
    return None if unit is None else UnitRef.model_validate(unit)


def _card(card: UnitCard) -> dict[str, object]:
    names = ("id", "code", "name", "short_name", "level", "kind", "status")
    return {
        **{name: getattr(card.unit, name) for name in names},
        "relation": card.relation,
        "duty_phone": card.duty_phone,
        "address": card.address,
    }


class ContactExportIn(BaseModel):
    """Whose contacts are exported."""

    model_config = ConfigDict(extra="forbid")

    unit_id: UUID | None = Field(default=None, description="本单位或下级单位；与 group_id 二选一")
    group_id: UUID | None = Field(
        default=None, description="通讯录分组：其中的人员，和其中各单位的人员；与 unit_id 二选一"
    )
    below: bool = Field(
        default=False, description="是否包括该单位的各级下级单位；只用于 unit_id", examples=[True]
    )
    format: ExportFormat = Field(default=ExportFormat.XLSX, description="文件格式", examples=["xlsx"])

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        if (self.unit_id is None) == (self.group_id is None):
            raise ValueError("unit_id 和 group_id 须填写其中一项")
        if self.group_id is not None and self.below:
            raise ValueError("below 只用于 unit_id")
        return self
