"""API schemas of published tables."""

from datetime import datetime
from decimal import Decimal
from typing import Self
from uuid import UUID

from pydantic import BaseModel, Field

from cockpit.directory.schemas import UnitBrief
from cockpit.feeds.values import PROGRAMMES, PUBLISHED_FUNDING, PUBLISHED_STAGES, REGION_GROUPS
from cockpit.published import models, rules
from cockpit.published.models import Entry, Found
from cockpit.published.service import WholeTable, YearTotals
from cockpit.standards.rules import Comparison
from cockpit.standards.schemas import ComparisonOut


class PublishedLine(BaseModel):
    """A line of a published table, exactly as it was taken in."""

    year: int = Field(examples=[2017])
    scope: str = Field(description="口径", examples=["资助总额,不含免费教科书和营养膳食"])
    stage: str = Field(description="学段代码", examples=["compulsory"])
    stage_name: str = Field(description="学段", examples=["义务教育"])
    funding: str = Field(description="资金来源代码", examples=["government"])
    funding_name: str = Field(description="资金来源", examples=["财政"])
    amount: str = Field(description="金额（元），精确到分", examples=["17910000000.00"])
    amount_100m_cny: str = Field(description="金额（亿元），与公布的数值相等", examples=["179.1"])
    share_percent: str | None = Field(description="占该项全部来源的比例（发布值）", examples=["100.0000"])
    persons: int | None = Field(description="人数（发布值）", examples=[16050000])
    persons_10k: str | None = Field(description="人数（万），与公布的数值相等", examples=["1605"])
    person_times: int | None = Field(description="人次（发布值）", examples=[42818200])
    person_times_10k: str | None = Field(description="人次（万），与公布的数值相等", examples=["4281.82"])
    programme: str | None = Field(
        description="资助项目代码；空为各项目合计", examples=["inspirational_scholarship"]
    )
    programme_name: str | None = Field(description="资助项目；空为各项目合计", examples=["国家励志奖学金"])
    region_group: str | None = Field(description="地区组代码；空为全国", examples=["west"])
    region_group_name: str | None = Field(description="地区组；空为全国", examples=["西部"])
    is_total: bool = Field(description="是否为各学段的合计：合计为发布值，不由分项相加得到", examples=[False])
    note: str = Field(description="备注，如四舍五入的说明", examples=["因四舍五入，分项之和与合计略有出入"])

    @classmethod
    def of(cls, table: models.PublishedTable, line: models.PublishedLine) -> Self:
        """Convert a stored line."""
        return cls(
            year=table.year,
            scope=table.scope,
            stage=line.stage,
            stage_name=PUBLISHED_STAGES.get(line.stage, line.stage),
            funding=line.funding,
            funding_name=PUBLISHED_FUNDING.get(line.funding, line.funding),
            amount=f"{line.amount:.2f}",
            amount_100m_cny=rules.in_yi(line.amount),
            share_percent=None if line.share_percent is None else f"{line.share_percent:f}",
            persons=line.persons,
            persons_10k=None if line.persons is None else rules.in_wan(line.persons),
            person_times=line.person_times,
            person_times_10k=None if line.person_times is None else rules.in_wan(line.person_times),
            programme=line.programme or None,
            programme_name=PROGRAMMES.get(line.programme, line.programme) or None,
            region_group=line.region_group or None,
            region_group_name=REGION_GROUPS.get(line.region_group, line.region_group) or None,
            is_total=line.is_total,
            note=line.note,
        )


class PublishedEntry(PublishedLine):
    """A line with the source that published it."""

    source: str = Field(examples=["China Daily, 2018-03-14"])

    @classmethod
    def of_entry(cls, entry: Entry) -> Self:
        """Convert a row of the list."""
        table, line = entry
        return cls(source=table.source, **PublishedLine.of(table, line).model_dump())


class PublishedTableBrief(BaseModel):
    """A table: what one source said about one year in one scope. A newer batch of the three replaces it."""

    id: UUID = Field(description="表的标识", examples=["01930000-0000-7000-8000-0000000000c1"])
    year: int = Field(examples=[2017])
    source: str = Field(examples=["China Daily, 2018-03-14"])
    scope: str = Field(description="口径", examples=["资助总额,不含免费教科书和营养膳食"])
    lines: int = Field(description="行数", examples=[9])
    batch_id: UUID = Field(description="所属批次")
    committed_at: datetime

    @classmethod
    def of(cls, found: Found) -> Self:
        """Convert a stored table."""
        table, batch = found
        return cls(
            id=table.id,
            year=table.year,
            source=table.source,
            scope=table.scope,
            lines=table.lines,
            batch_id=table.batch_id,
            committed_at=batch.committed_at,
        )


class BalanceOut(BaseModel):
    """Two published figures that should agree."""

    name: rules.BalanceName = Field(description="勾稽关系", examples=["central_and_local"])
    title: str = Field(examples=["中央财政+地方财政=财政"])
    stage_name: str = Field(description="所在学段", examples=["合计"])
    funding_name: str = Field(description="所在资金来源", examples=["财政"])
    programme_name: str | None = Field(description="所在资助项目；空为各项目合计")
    region_group_name: str | None = Field(description="所在地区组；空为全国")
    parts: str = Field(
        description="左边：分项之和（元）；占比则为计算值（%）",
        examples=["121060000000.00"],
    )
    whole: str = Field(
        description="右边：公布的数值（元）；占比则为公布值（%）", examples=["121060000000.00"]
    )
    verdict: rules.Verdict = Field(description="比较的结果", examples=["equal"])
    note: str | None = Field(
        description="说明；相等时为空", examples=["分项之和比合计少 0.01 亿元（相差在四舍五入范围内）"]
    )

    @classmethod
    def of(cls, balance: rules.Balance) -> Self:
        """Convert a comparison."""
        line = balance.line
        share = balance.name is rules.BalanceName.SHARE
        return cls(
            name=balance.name,
            title=balance.name.label,
            stage_name=PUBLISHED_STAGES.get(line.stage, line.stage),
            funding_name=PUBLISHED_FUNDING.get(line.funding, line.funding),
            programme_name=PROGRAMMES.get(line.programme) if line.programme else None,
            region_group_name=REGION_GROUPS.get(line.region_group) if line.region_group else None,
            parts=_figure(balance.parts, share=share),
            whole=_figure(balance.whole, share=share),
            verdict=balance.verdict,
            note=rules.note(balance),
        )


class PerHeadOut(ComparisonOut):
    """What a person got on average, beside the standard of the year."""

    stage_name: str = Field(description="学段", examples=["普通高等教育"])
    programme: str = Field(description="资助项目代码", examples=["inspirational_scholarship"])
    programme_name: str = Field(description="资助项目", examples=["国家励志奖学金"])

    @classmethod
    def of_line(cls, line: models.PublishedLine, comparison: Comparison) -> Self:
        """Convert a comparison."""
        return cls(
            stage_name=PUBLISHED_STAGES.get(line.stage, line.stage),
            programme=line.programme,
            programme_name=PROGRAMMES.get(line.programme, line.programme),
            **ComparisonOut.of(comparison).model_dump(),
        )


class PublishedTableOut(BaseModel):
    """A published table with all of its lines."""

    unit: UnitBrief = Field(description="报送单位")
    table: PublishedTableBrief = Field(description="来源、口径与年度")
    newest: UUID = Field(description="同一来源、口径和年度中现行的表；与本表不同时，本表已被更新的批次替代")
    lines: list[PublishedLine] = Field(description="全部各行，合计与分项并存")
    balances: list[BalanceOut] = Field(description="勾稽关系；只列公布了两边数值的")
    per_head: list[PerHeadOut] = Field(
        description="各项目的人均金额与当年政策标准的比较；只列公布了人数的项目"
    )

    @classmethod
    def of(cls, found: WholeTable) -> Self:
        """Convert a table."""
        return cls(
            unit=UnitBrief.model_validate(found.unit),
            table=PublishedTableBrief.of((found.table, found.batch)),
            newest=found.newest,
            lines=[PublishedLine.of(found.table, line) for line in found.lines],
            balances=[BalanceOut.of(balance) for balance in found.balances],
            per_head=[PerHeadOut.of_line(*one) for one in found.per_head],
        )


class ScopeTotal(BaseModel):
    """The total that one source published in one scope."""

    table: PublishedTableBrief = Field(description="来源、口径与年度")
    amount: str = Field(description="金额（元），精确到分", examples=["188200000000.00"])
    amount_100m_cny: str = Field(description="金额（亿元），与公布的数值相等", examples=["1882"])
    persons_10k: str | None = Field(description="人数（万），与公布的数值相等", examples=["9590"])
    person_times_10k: str | None = Field(description="人次（万），与公布的数值相等", examples=["13500"])
    note: str = Field(description="备注", examples=["公布为“超过”"])


class YearTotalsOut(BaseModel):
    """The totals of one year."""

    year: int = Field(examples=[2012])
    disagree: bool = Field(description="各口径的数值是否不一致；不一致时分别列示，不可相加，也不可互相比较")
    label: str | None = Field(
        description="不一致时的提示", examples=["2012 年有 2 个口径，数值不同，请分别引用"]
    )
    totals: list[ScopeTotal] = Field(description="各来源、各口径的合计")

    @classmethod
    def of(cls, found: YearTotals) -> Self:
        """Convert the totals of a year."""
        return cls(
            year=found.year,
            disagree=found.disagree,
            label=f"{found.year} 年有 {len(found.totals)} 个口径，数值不同，请分别引用"
            if found.disagree
            else None,
            totals=[
                ScopeTotal(
                    table=PublishedTableBrief.of((table, batch)),
                    amount=f"{line.amount:.2f}",
                    amount_100m_cny=rules.in_yi(line.amount),
                    persons_10k=None if line.persons is None else rules.in_wan(line.persons),
                    person_times_10k=None if line.person_times is None else rules.in_wan(line.person_times),
                    note=line.note,
                )
                for table, batch, line in found.totals
            ],
        )


class PublishedTotals(BaseModel):
    """The published totals of a unit, year by year."""

    unit: UnitBrief = Field(description="报送单位")
    years: list[YearTotalsOut] = Field(description="各年度，从新到旧")


def _figure(value: Decimal, *, share: bool) -> str:
    return rules.plain(value) if share else f"{value:.2f}"
