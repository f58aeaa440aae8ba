"""Schemas of the units API."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from contracts.vocabulary import Kind, Level, Stage, UnitChangeKind, UnitStatus
from identity.names import PersonName, UnitName

_DUTY_PHONE = r"^(0\d{2,3}-?\d{7,8}(-\d{1,6})?|[48]00-?\d{3}-?\d{4}|1\d{4}|9\d{4,5}|[2-8]\d{6,7})$"
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=100)]
ShortName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=50)]
Address = Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=200)]
DutyPhone = Annotated[str, StringConstraints(pattern=_DUTY_PHONE, max_length=24)]
Stages = Annotated[list[Stage], Field(min_length=1, max_length=8)]
RegionCode = Annotated[str, StringConstraints(pattern=r"^\d{6}$")]


class UnitOut(BaseModel):
    """A unit."""

    model_config = ConfigDict(
        from_attributes=True,
        json_schema_extra={
            "example": {
                "id": "01930000-0000-7000-8000-000000000001",
                "code": "370102",
                "name": "历下区学生资助管理中心",
                "short_name": "历下区",
                "level": "county",
                "kind": "student_aid",
                "stages": ["compulsory"],
                "region_code": "370102",
                "parent_id": "01930000-0000-7000-8000-000000000000",
                "path": "100000.370000.370100.370102",
                "status": "active",
                "version": 1,
                "opened_at": "2026-01-01T00:00:00Z",
                "closed_at": None,
                "duty_phone": "0531-86012345",
                "address": "济南市历下区解放东路 1 号",
                "merged_into_id": None,
            }
        },
    )

    id: UUID
    code: str
    name: str
    short_name: str
    level: Level
    kind: Kind
    stages: list[Stage]
    region_code: str | None
    parent_id: UUID | None
    path: str
    status: UnitStatus
    version: int
    opened_at: datetime
    closed_at: datetime | None
    duty_phone: str | None
    address: str | None
    merged_into_id: UUID | None


class ChangeIn(BaseModel):
    """The date, the reason and the document of a change."""

    model_config = ConfigDict(extra="forbid")

    effective_on: date | None = Field(default=None, examples=["2026-09-01"])
    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=200)] = Field(
        examples=["区划调整"]
    )
    document_number: (
        Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)] | None
    ) = Field(default=None, examples=["鲁教发〔2026〕12号"])


class UnitIn(ChangeIn):
    """A new unit below one that the caller administers."""

    reason: Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=200)] = Field(
        default="设立", examples=["新建学校"]
    )
    parent_id: UUID
    code: str = Field(pattern=r"^[A-Za-z0-9_]{4,32}$", examples=["S3701029001"])
    name: Name = Field(examples=["济南市历下区新建小学"])
    short_name: ShortName | None = Field(default=None, examples=["新建小学"])
    level: Level = Field(examples=["school"])
    kind: Kind = Field(examples=["school"])
    stages: Stages = Field(examples=[["compulsory"]])
    region_code: RegionCode | None = Field(default=None, examples=["370102"])
    duty_phone: DutyPhone | None = Field(default=None, examples=["0531-86012345"])
    address: Address | None = Field(default=None, examples=["济南市历下区解放东路 1 号"])


class RenameIn(ChangeIn):
    """A new name; without `short_name`, the short name stays."""

    name: Name = Field(examples=["济南市历下区实验小学"])
    short_name: ShortName | None = Field(default=None, examples=["实验小学"])


class DetailsIn(ChangeIn):
    """Other attributes. What is absent stays; null removes the duty phone or the address."""

    stages: Stages | None = Field(default=None, examples=[["compulsory"]])
    region_code: RegionCode | None = Field(default=None, examples=["370102"])
    duty_phone: DutyPhone | None = Field(default=None, examples=["0531-86012345"])
    address: Address | None = Field(default=None, examples=["济南市历下区解放东路 1 号"])


class MoveIn(ChangeIn):
    """The new parent."""

    parent_id: UUID


class MergeIn(ChangeIn):
    """The unit that takes over children and people."""

    into_id: UUID


class SplitIn(ChangeIn):
    """The new unit beside the one that is split, and the children that go to it."""

    code: str = Field(pattern=r"^[A-Za-z0-9_]{4,32}$", examples=["370199"])
    name: Name = Field(examples=["济南市高新区学生资助管理中心"])
    short_name: ShortName | None = Field(default=None, examples=["高新区"])
    stages: Stages | None = Field(default=None, examples=[["compulsory"]])
    region_code: RegionCode | None = Field(default=None, examples=["370102"])
    child_ids: list[UUID] = Field(max_length=200)


class UnitChangeOut(BaseModel):
    """One change of a unit, and the state that it led to."""

    version: int
    change: UnitChangeKind
    effective_on: date
    changed_at: datetime
    changed_by: UUID | None
    changed_by_name: Annotated[str | None, PersonName("changed_by")] = None
    reason: str | None
    document_number: str | None
    related_unit_id: UUID | None
    related_unit_name: Annotated[str | None, UnitName("related_unit_id")] = None
    name: str
    short_name: str
    stages: list[Stage]
    region_code: str | None
    path: str
    status: UnitStatus
    duty_phone: str | None
    address: str | None


class UnitBrief(BaseModel):
    """A unit in a tree or a chain of superiors."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    code: str
    name: str
    short_name: str
    level: Level
    kind: Kind
    status: UnitStatus


class UnitNode(UnitBrief):
    """A unit with the units below it, as far as the depth and the limits reach.

    `has_children` says whether there are any; `more` that further children exist than are listed.
    """

    has_children: bool
    more: bool
    children: list["UnitNode"]
