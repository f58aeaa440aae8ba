"""API schemas of coverage."""

from datetime import datetime
from typing import Self
from uuid import UUID

from pydantic import BaseModel, Field

from contracts.vocabulary import Kind, Level, Open, UnitChangeKind, UnitStatus
from office.coverage.change_repository import ChangedUnit
from office.coverage.missing import Lack
from office.coverage.repository import MissingUnit
from office.coverage.rules import Counting
from office.coverage.service import CoverageReport, History, MissingList
from office.directory.models import Unit
from office.directory.schemas import UnitRef
from servicekit.lists import Listed
from servicekit.paging import CountedPage, Page, Total


class ReadersOut(BaseModel):
    """How many people have read the notice."""

    total: int = Field(description="人数", examples=[2032])
    read: int = Field(description="已读人数", examples=[2030])


class PlacedUnitRef(UnitRef):
    """The identification of a unit, and what is needed to show it on a map."""

    level: Open[Level] = Field(description="层级", examples=["county"])
    kind: Open[Kind] = Field(description="类别", examples=["student_aid"])
    region_code: str | None = Field(description="属地行政区划代码（GB/T 2260）", examples=["370102"])


class ChildOut(BaseModel):
    """A branch directly below the requested unit."""

    unit: PlacedUnitRef
    total: int = Field(description="单位数", examples=[547])
    delivered: int = Field(description="已送达单位数", examples=[544])
    signed: int = Field(description="已签收单位数", examples=[544])
    answered: int = Field(description="已答复单位数", examples=[540])
    returned: int = Field(description="退回经来文单位确认、未签收的单位数，不计入单位数", examples=[0])
    read: int = Field(description="已有人阅读的单位数", examples=[540])
    overdue: int = Field(description="逾期未签收单位数", examples=[0])
    people: ReadersOut = Field(description="个人阅读情况")


class BlockingOut(BaseModel):
    """A unit that received the notice, has units below it, and has not forwarded the notice."""

    unit: UnitRef
    cut_off: int = Field(description="因此未送达的单位数", examples=[3])


class BlockersOut(BaseModel):
    """The units that block the notice."""

    count: int = Field(description="未转发的单位总数", examples=[1])
    items: list[BlockingOut] = Field(description="影响最大的至多 100 个；缩小 under 可查看其余")


class MissingOut(BaseModel):
    """A unit that lacks something."""

    unit: UnitRef
    reason: Lack = Field(
        description="not_delivered 未送达；not_signed 已送达未签收", examples=["not_delivered"]
    )
    blocked_by: UnitRef | None = Field(description="未送达时：未转发的上级单位")

    @classmethod
    def of(cls, row: MissingUnit) -> Self:
        """Convert a query row."""
        return cls(
            unit=UnitRef.model_validate(row.unit),
            reason=Lack.SIGNATURE if row.delivered else Lack.DELIVERY,
            blocked_by=None if row.blocked_by is None else UnitRef.model_validate(row.blocked_by),
        )


class CoverageOut(BaseModel):
    """The coverage of a notice in a subtree, by the units' places at delivery, without the publisher."""

    notice_id: UUID
    under: PlacedUnitRef = Field(description="统计范围：该单位及其下级")
    as_of: datetime = Field(description="统计时间")
    archived: bool = Field(
        description="该年度的逐单位记录是否已归档移出；移出后只有各级汇总数，不列单位", examples=[False]
    )
    total: int = Field(description="应签收单位数", examples=[1016])
    delivered: int = Field(description="已送达单位数", examples=[1013])
    signed: int = Field(description="已签收单位数", examples=[1013])
    answered: int = Field(description="已答复单位数", examples=[1010])
    returned: int = Field(description="退回经来文单位确认、未签收的单位数，不计入应签收单位数", examples=[0])
    read: int = Field(description="已有人阅读的单位数", examples=[1010])
    overdue: int = Field(description="逾期未签收单位数", examples=[3])
    people: ReadersOut = Field(description="个人阅读情况")
    blocking: BlockersOut = Field(description="未转发、致使下级收不到的单位")
    children: list[ChildOut] = Field(description="各直接下级及其下级的情况")
    missing: Page[MissingOut] = Field(description="未签收的单位，按上级单位、隶属路径排序，可翻页")

    @classmethod
    def of(cls, report: CoverageReport) -> Self:
        """Convert a computed report."""
        return cls(
            notice_id=report.notice_id,
            under=PlacedUnitRef.model_validate(report.scope),
            as_of=report.as_of,
            archived=report.archived,
            total=sum(branch.total for branch in report.branches),
            delivered=sum(branch.delivered for branch in report.branches),
            signed=sum(branch.signed for branch in report.branches),
            answered=sum(branch.answered for branch in report.branches),
            returned=sum(branch.returned for branch in report.branches),
            overdue=sum(branch.overdue for branch in report.branches),
            read=sum(branch.read_units for branch in report.branches),
            people=ReadersOut(
                total=sum(branch.people for branch in report.branches),
                read=sum(branch.people_read for branch in report.branches),
            ),
            blocking=BlockersOut(
                count=report.blocking_count,
                items=[
                    BlockingOut(unit=UnitRef.model_validate(row.unit), cut_off=row.cut_off)
                    for row in report.blocking
                ],
            ),
            children=[
                ChildOut(
                    unit=PlacedUnitRef.model_validate(branch.unit),
                    total=branch.total,
                    delivered=branch.delivered,
                    signed=branch.signed,
                    answered=branch.answered,
                    returned=branch.returned,
                    read=branch.read_units,
                    overdue=branch.overdue,
                    people=ReadersOut(total=branch.people, read=branch.people_read),
                )
                for branch in report.branches
                if branch.unit is not None
            ],
            missing=Page(
                items=[MissingOut.of(row) for row in report.missing.items], next=report.missing.next
            ),
        )


class MissingPage(CountedPage[MissingOut]):
    """A page of units that lack something."""

    @classmethod
    def of_list(cls, found: MissingList) -> Self:
        """Convert a page and its total."""
        return cls(
            items=[MissingOut.of(row) for row in found.page.items],
            next=found.page.next,
            total=Total(count=found.total, exact=True),
        )


class PointOut(BaseModel):
    """Sums up to a time."""

    at: datetime = Field(description="截至时间", examples=["2023-04-27T04:00:00Z"])
    signed: int = Field(description="已签收单位数", examples=[320])
    answered: int = Field(description="已答复单位数", examples=[300])
    people_read: int = Field(description="已读人数", examples=[511])


class CoverageHistoryOut(BaseModel):
    """The progress of a notice in a subtree."""

    under: UnitRef = Field(description="统计范围：该单位及其下级")
    total: int = Field(description="现在的应签收单位数", examples=[1016])
    points: list[PointOut] = Field(description="各时段结束时的累计数，按时间排序；没有新增的时段不列出")

    @classmethod
    def of(cls, history: History) -> Self:
        """Convert a history."""
        return cls(
            under=UnitRef.model_validate(history.scope),
            total=history.total,
            points=[PointOut(**point._asdict()) for point in history.points],
        )


class TreeStepOut(BaseModel):
    """One change of a unit."""

    at: datetime = Field(description="何时起", examples=["2023-05-02T01:00:00Z"])
    kind: UnitChangeKind = Field(description="变化", examples=["moved"])
    from_parent: UnitRef | None = Field(description="此前的上级单位；设立的为空")
    to_parent: UnitRef | None = Field(description="此后的上级单位")


class ChangedUnitOut(BaseModel):
    """A unit that has changed since the notice was published."""

    unit: UnitRef
    status: Open[UnitStatus] = Field(description="现在的状态", examples=["active"])
    merged_into: UnitRef | None = Field(description="并入的单位")
    steps: list[TreeStepOut] = Field(description="发布后的各次变化，按时间排序")
    counting: Counting = Field(description="是否计入、计在何处", examples=["reached"])
    counted_here: bool = Field(description="是否计入此统计范围", examples=[True])
    counted_below: UnitRef | None = Field(description="计在哪个上级单位之下；不计入的为空")

    @classmethod
    def of(cls, row: ChangedUnit) -> Self:
        """Convert a query row."""

        def ref(unit_id: UUID | None) -> UnitRef | None:
            unit = None if unit_id is None else row.names.get(unit_id)
            return None if unit is None else UnitRef.model_validate(unit)

        return cls(
            unit=UnitRef.model_validate(row.unit),
            status=row.unit.status,
            merged_into=ref(row.unit.merged_into_id),
            steps=[
                TreeStepOut(
                    at=step.at,
                    kind=step.kind,
                    from_parent=None if step.before is None else ref(step.before.parent_id),
                    to_parent=ref(step.after.parent_id),
                )
                for step in row.steps
            ],
            counting=row.counting,
            counted_here=row.counted_here,
            counted_below=ref(row.counted_below),
        )


class ChangesPage(CountedPage[ChangedUnitOut]):
    """A page of units that have changed since the notice was published."""

    under: UnitRef = Field(description="统计范围：该单位及其下级")

    @classmethod
    def of_list(cls, scope: Unit, found: Listed[ChangedUnit]) -> Self:
        """Convert a page."""
        return cls(
            under=UnitRef.model_validate(scope),
            items=[ChangedUnitOut.of(row) for row in found.items],
            next=found.next,
            total=found.total,
        )
