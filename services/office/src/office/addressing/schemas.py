"""API schemas of addresses."""

from typing import Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from contracts.vocabulary import Kind, Level, Open, Reach, Stage
from office.addressing.rules import MAX_GROUPS, MAX_PICKED, Address, AddressError, default_onward
from office.addressing.service import BranchCount, Preview
from office.directory.schemas import UnitRef


class AddressIn(BaseModel):
    """主送: which of the units below are addressed. An omitted filter matches all."""

    model_config = ConfigDict(extra="forbid")

    reach: Reach = Field(default=Reach.CHILDREN, description="主送范围", examples=["children"])
    levels: list[Level] = Field(default=[], max_length=10, description="只送这些层级", examples=[["city"]])
    kinds: list[Kind] = Field(
        default=[], max_length=10, description="只送这些类别", examples=[["student_aid"]]
    )
    stages: list[Stage] = Field(
        default=[], max_length=10, description="只送有这些学段之一的单位", examples=[[]]
    )
    onward: bool | None = Field(
        default=None,
        description="收文单位须向下级转发（逐级转发）；默认仅送直接下级时为是。送全部下级时不能为是",
        examples=[True],
    )
    units: list[UUID] = Field(
        default=[],
        max_length=MAX_PICKED,
        description="指定的单位，仅在主送范围为 picked 时填写",
        examples=[[]],
    )
    groups: list[UUID] = Field(
        default=[],
        max_length=MAX_GROUPS,
        description="通讯录中的分组，仅在主送范围为 picked 时填写；发送时取其中正常状态的下级单位",
        examples=[[]],
    )

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        try:
            self.address().check()
        except AddressError as error:
            raise PydanticCustomError("address", "{reason}", {"reason": str(error)}) from error
        return self

    def address(self) -> Address:
        """Return the address, without repeated values."""
        return Address(
            reach=self.reach,
            levels=tuple(dict.fromkeys(self.levels)),
            kinds=tuple(dict.fromkeys(self.kinds)),
            stages=tuple(dict.fromkeys(self.stages)),
            onward=default_onward(self.reach) if self.onward is None else self.onward,
            picked=tuple(dict.fromkeys(self.units)),
            groups=tuple(dict.fromkeys(self.groups)),
        )


class AddressOut(BaseModel):
    """主送, as it was given."""

    reach: Reach = Field(description="主送范围", examples=["children"])
    levels: list[Open[Level]] = Field(description="层级；空为不限", examples=[[]])
    kinds: list[Open[Kind]] = Field(description="类别；空为不限", examples=[[]])
    stages: list[Open[Stage]] = Field(description="学段；空为不限", examples=[[]])
    onward: bool = Field(description="是否逐级转发", examples=[True])

    @classmethod
    def of(cls, address: Address) -> Self:
        """Convert an address, without the picked units."""
        return cls(
            reach=address.reach,
            levels=list(address.levels),
            kinds=list(address.kinds),
            stages=list(address.stages),
            onward=address.onward,
        )


class PreviewIn(BaseModel):
    """The address whose recipients are wanted."""

    model_config = ConfigDict(extra="forbid")

    recipients: AddressIn = Field(default_factory=AddressIn, description="主送")


class LevelCountOut(BaseModel):
    """The number of recipients of one level."""

    level: Open[Level] = Field(description="层级", examples=["province"])
    units: int = Field(description="单位数", examples=[36])

    @classmethod
    def of_all(cls, by_level: dict[str, int]) -> list[Self]:
        """Convert the numbers by level, in the order of the levels."""
        order = {level.value: index for index, level in enumerate(Level)}
        return [
            cls(level=level, units=by_level[level])
            for level in sorted(by_level, key=lambda one: (order.get(one, len(order)), one))
        ]


class BranchCountOut(BaseModel):
    """The number of recipients in one branch."""

    unit: UnitRef | None = Field(description="直接下级单位；尚未同步时为空")
    code: str = Field(description="该单位的代码", examples=["370000"])
    total: int = Field(description="该单位及其下级中的收文单位数", examples=[1041])
    by_level: list[LevelCountOut] = Field(description="按层级")

    @classmethod
    def of(cls, branch: BranchCount) -> Self:
        """Convert the numbers of a branch."""
        return cls(
            unit=None if branch.unit is None else UnitRef.model_validate(branch.unit),
            code=branch.code,
            total=branch.total,
            by_level=LevelCountOut.of_all(branch.by_level),
        )


class PreviewOut(BaseModel):
    """Whom an address reaches now."""

    total: int = Field(description="收文单位总数", examples=[6])
    by_level: list[LevelCountOut] = Field(description="按层级")
    branch_count: int = Field(description="有收文单位的直接下级分支数", examples=[6])
    branches: list[BranchCountOut] = Field(description="按直接下级分支，最多 1000 个")

    @classmethod
    def of(cls, preview: Preview) -> Self:
        """Convert a preview."""
        return cls(
            total=preview.total,
            by_level=LevelCountOut.of_all(preview.by_level),
            branch_count=preview.branch_count,
            branches=[BranchCountOut.of(branch) for branch in preview.branches],
        )
