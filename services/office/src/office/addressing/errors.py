"""Errors of addresses."""

from collections.abc import Sequence
from uuid import UUID

from servicekit.problems import Conflict, FieldError, Forbidden


class NothingBelow(Conflict):
    """The address has no recipients."""

    code = "nothing_below"
    title = "没有收文单位"
    detail = "按所选范围没有下级单位可以送达，请检查主送范围。"


class GroupUnknown(Conflict):
    """A group of the address does not exist in the sender's unit, or has been deleted since."""

    code = "group_unknown"
    title = "分组不存在"
    detail = "所选的分组不存在或已被删除，请重新选择主送范围。"

    @classmethod
    def at(cls, places: Sequence[int], field: Sequence[str]) -> "GroupUnknown":
        """Name the wrong entries of the list `field` by their indexes."""
        return cls(
            cls.detail,
            errors=[FieldError.at(*field, place, detail="分组不存在") for place in places],
        )


class TooManyPicked(Conflict):
    """The picked units and those of the groups are more than one address may name."""

    code = "too_many_picked"
    title = "指定的单位过多"
    detail = "指定的单位连同分组中的单位最多 2000 个，请缩小范围，或改用“全部下级”并筛选。"


class RecipientsOutOfReach(Forbidden):
    """A picked unit does not exist, is closed, or is not below the sender; the response is the same."""

    code = "recipients_out_of_reach"
    title = "指定的单位不在范围内"
    detail = "指定的单位须为本单位正常状态的下级单位。"

    @classmethod
    def at(cls, missing: Sequence[tuple[int, UUID]], field: Sequence[str]) -> "RecipientsOutOfReach":
        """Name the wrong entries of the list `field` by their indexes."""
        return cls(
            f"指定的单位中有 {len(missing)} 个不是本单位正常状态的下级单位。",
            errors=[
                FieldError.at(*field, index, detail="不是本单位正常状态的下级单位")
                for index, _ in missing[:100]
            ],
        )
