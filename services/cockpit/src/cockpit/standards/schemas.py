"""API schemas of policy standards."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, field_validator

from cockpit.feeds.personal import find
from cockpit.feeds.values import PROGRAMMES, STAGES
from cockpit.standards import rules
from cockpit.standards.models import Standard, StandardAction, StandardChange
from cockpit.standards.rules import COUNTRY, Basis, Certainty, Tier
from servicekit.text import is_storable

_FIRST, _LAST = date(1990, 1, 1), date(2099, 12, 31)
Day = Annotated[date, Field(ge=_FIRST, le=_LAST)]
Yuan = Annotated[Decimal, Field(ge=0, le=10_000_000, max_digits=10, decimal_places=2)]
Text = Annotated[str, Field(max_length=500, pattern=r"^[^\x00-\x1f\x7f]*$")]
Reason = Annotated[
    str, Field(min_length=2, max_length=500, pattern=r"^[^\x00-\x1f\x7f]+$", description="原因，记入变更记录")
]


class _Input(BaseModel):
    model_config = ConfigDict(extra="forbid")

    @field_validator("document_number", "source", "note", "reason", check_fields=False)
    @classmethod
    def _impersonal(cls, given: str) -> str:
        if not is_storable(given):
            raise ValueError("含有无法保存的字符")
        if find(given):
            raise ValueError("疑似含有证件号、手机号或银行卡号")
        return given


class StandardIn(_Input):
    """A new version of a standard."""

    programme: str = Field(description="资助项目代码", examples=["high_school_grant"])
    stage: str = Field(default="", description="学段代码；空为该项目的各学段", examples=["general_high"])
    tier: Tier = Field(default=Tier.NONE, description="档次", examples=["none"])
    region: str = Field(
        default=COUNTRY,
        pattern=r"^[0-9]{6}$",
        description="适用地区的行政区划代码（GB/T 2260），000000 为全国；小范围的优先",
        examples=["000000"],
    )
    valid_from: Day = Field(
        description="第一天；春季学期从 3 月 1 日、秋季学期从 9 月 1 日起", examples=["2025-03-01"]
    )
    valid_to: Day | None = Field(default=None, description="最后一天；空为长期有效")
    basis: Basis = Field(default=Basis.TERMS, description="计发方式", examples=["terms"])
    days: int | None = Field(default=None, ge=1, le=366, description="每学年天数，仅按天计发的填写")
    amount: Yuan | None = Field(default=None, description="标准（元）；有幅度的为平均标准", examples=["2300"])
    lowest: Yuan | None = Field(default=None, description="最低（元）", examples=["1200"])
    highest: Yuan | None = Field(default=None, description="最高（元）", examples=["3500"])
    document_number: Text = Field(default="", description="文号")
    certainty: Certainty = Field(description="数值的可信程度", examples=["verified"])
    source: Text = Field(default="", description="出处", examples=["bastillepost.com 4666668"])
    note: Text = Field(default="", description="说明")
    end_previous: bool = Field(default=True, description="自动终止此前的标准：到新标准的前一天为止")
    reason: Reason

    @field_validator("programme")
    @classmethod
    def _programme(cls, given: str) -> str:
        if given not in PROGRAMMES:
            raise ValueError("没有这个资助项目")
        return given

    @field_validator("stage")
    @classmethod
    def _stage(cls, given: str) -> str:
        if given and given not in STAGES:
            raise ValueError("没有这个学段")
        return given

    @property
    def values(self) -> dict[str, Any]:
        """The columns of the version."""
        return self.model_dump(exclude={"end_previous", "reason"})


class StandardCorrection(_Input):
    """Corrections of a version: what is left out stays as it is."""

    valid_from: Day | None = Field(default=None, description="第一天；空为起始日期不详")
    valid_to: Day | None = Field(default=None, description="最后一天；空为长期有效")
    basis: Basis = Field(default=Basis.TERMS, description="计发方式")
    days: int | None = Field(default=None, ge=1, le=366, description="每学年天数，仅按天计发的填写")
    amount: Yuan | None = Field(default=None, description="标准（元）")
    lowest: Yuan | None = Field(default=None, description="最低（元）")
    highest: Yuan | None = Field(default=None, description="最高（元）")
    document_number: Text = Field(default="", description="文号", examples=["财教〔2024〕181号"])
    certainty: Certainty = Field(default=Certainty.SECONDARY, description="数值的可信程度")
    source: Text = Field(default="", description="出处")
    note: Text = Field(default="", description="说明")
    reason: Reason

    @property
    def changes(self) -> dict[str, Any]:
        """The columns that were given."""
        return self.model_dump(exclude={"reason"}, exclude_unset=True)


class StandardEnd(_Input):
    """The end of a version."""

    valid_to: Day = Field(description="最后一天", examples=["2025-02-28"])
    reason: Reason


class StandardWithdrawal(_Input):
    """Why a version is taken back."""

    reason: Reason


class StandardOut(BaseModel):
    """A version of a standard, with how certain it is."""

    id: UUID
    programme: str = Field(description="资助项目代码", examples=["high_school_grant"])
    programme_name: str = Field(description="资助项目", examples=["普通高中国家助学金"])
    stage: str | None = Field(description="学段代码；空为该项目的各学段", examples=["general_high"])
    stage_name: str | None = Field(description="学段", examples=["普通高中"])
    tier: Tier = Field(description="档次", examples=["none"])
    tier_name: str = Field(description="档次名称", examples=["不分档"])
    region: str = Field(description="适用地区的行政区划代码，000000 为全国", examples=["000000"])
    valid_from: date | None = Field(description="第一天；空为起始日期不详", examples=["2025-03-01"])
    valid_to: date | None = Field(description="最后一天；空为长期有效")
    basis: Basis = Field(description="计发方式", examples=["terms"])
    basis_name: str = Field(description="计发方式名称", examples=["元/人·学年，按学期发放"])
    days: int | None = Field(description="每学年天数，仅按天计发的有")
    amount: str | None = Field(description="标准（元）；有幅度的为平均标准", examples=["2300.00"])
    lowest: str | None = Field(description="最低（元）", examples=["1200.00"])
    highest: str | None = Field(description="最高（元）", examples=["3500.00"])
    document_number: str = Field(description="文号；空为未核对")
    certainty: Certainty = Field(description="数值的可信程度", examples=["verified"])
    certainty_name: str = Field(description="可信程度的说明，应与数值一同显示", examples=["已核对来源原文"])
    certain: bool = Field(description="可否作为确定的标准显示；否时须注明可信程度", examples=[True])
    source: str = Field(description="出处", examples=["bastillepost.com 4666668"])
    note: str = Field(description="说明", examples=["平均资助标准"])
    version: int = Field(examples=[1])
    changed_at: datetime = Field(description="最近变更时间")
    withdrawn: bool = Field(description="是否已作废", examples=[False])

    @classmethod
    def of(cls, standard: Standard) -> Self:
        """Convert a stored version."""
        return cls(
            id=standard.id,
            programme=standard.programme,
            programme_name=PROGRAMMES.get(standard.programme, standard.programme),
            stage=standard.stage or None,
            stage_name=STAGES.get(standard.stage),
            tier=standard.tier,
            tier_name=standard.tier.label,
            region=standard.region,
            valid_from=standard.valid_from,
            valid_to=standard.valid_to,
            basis=standard.basis,
            basis_name=standard.basis.label,
            days=standard.days,
            amount=yuan(standard.amount),
            lowest=yuan(standard.lowest),
            highest=yuan(standard.highest),
            document_number=standard.document_number,
            certainty=standard.certainty,
            certainty_name=standard.certainty.label,
            certain=standard.certainty is Certainty.VERIFIED,
            source=standard.source,
            note=standard.note,
            version=standard.version,
            changed_at=standard.changed_at,
            withdrawn=standard.withdrawn_at is not None,
        )


class StandardChangeOut(BaseModel):
    """A change of a version."""

    version: int = Field(description="变更后的版本号", examples=[2])
    action: StandardAction = Field(description="变更", examples=["corrected"])
    at: datetime = Field(description="时间")
    by: str | None = Field(description="操作人（令牌的 sub）；空为系统")
    reason: str = Field(description="原因", examples=["补文号"])
    before: dict[str, Any] | None = Field(description="变更前的内容")
    after: dict[str, Any] = Field(description="变更后的内容")

    @classmethod
    def of(cls, change: StandardChange) -> Self:
        """Convert a stored change."""
        return cls(
            version=change.version,
            action=change.action,
            at=change.at,
            by=change.by,
            reason=change.reason,
            before=change.before,
            after=change.after,
        )


class LevelOut(BaseModel):
    """What a person gets in a period."""

    amount: str | None = Field(description="标准（元）；分档或只有上限时为空", examples=["2150.00"])
    lowest: str | None = Field(description="最低（元）")
    highest: str | None = Field(description="最高（元）")
    straddles: bool = Field(description="期间内是否更换了标准；是时按学期折算", examples=[True])
    certain: bool = Field(description="所用的各项标准是否都已核对", examples=[True])
    document_numbers: list[str] = Field(description="所用标准的文号")

    @classmethod
    def of(cls, level: rules.Level) -> Self:
        """Convert a level."""
        return cls(
            amount=yuan(level.amount),
            lowest=yuan(level.lowest),
            highest=yuan(level.highest),
            straddles=level.straddles,
            certain=level.certain,
            document_numbers=sorted({one.document_number for one in level.versions if one.document_number}),
        )


class ComparisonOut(BaseModel):
    """An amount per head beside the standard."""

    per_head: str | None = Field(description="人均（元）；没有人数时为空", examples=["5000.00"])
    verdict: rules.Compared = Field(description="与标准比较的结果", examples=["equal"])
    verdict_name: str = Field(description="与标准比较的结果名称", examples=["等于标准"])
    difference: str | None = Field(description="人均与标准（或上下限）之差（元）", examples=["0.00"])
    level: LevelOut | None = Field(description="该期间的标准；没有时为空")

    @classmethod
    def of(cls, comparison: rules.Comparison) -> Self:
        """Convert a comparison."""
        return cls(
            per_head=yuan(comparison.per_head),
            verdict=comparison.verdict,
            verdict_name=comparison.verdict.label,
            difference=yuan(comparison.difference),
            level=None if comparison.level is None else LevelOut.of(comparison.level),
        )


class InForce(BaseModel):
    """The standards of a programme at a place on a day, and what a person gets in the period."""

    on: date = Field(description="日期", examples=["2025-03-01"])
    standards: list[StandardOut] = Field(description="当日有效的标准；未指定学段、档次时各列一项")
    level: LevelOut | None = Field(description="指定期间的标准；未指定期间或标准不全时为空")


def yuan(value: Decimal | None) -> str | None:
    """Return an amount to the fen."""
    return None if value is None else f"{value:.2f}"
