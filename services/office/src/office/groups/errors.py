"""Errors of groups and favourites."""

from collections.abc import Sequence

from servicekit.problems import Conflict, FieldError, Forbidden


class GroupNameTaken(Conflict):
    """The owner has another group with this name."""

    code = "group_name_taken"
    title = "分组名称已使用"
    detail = "已有同名的分组，请换一个名称。"


class TooManyGroups(Conflict):
    """The owner has as many groups as are allowed."""

    code = "too_many_groups"
    title = "分组过多"
    detail = "最多保存 100 个分组，请先删除不用的分组。"


class TooManyFavourites(Conflict):
    """The person has as many favourites as are allowed."""

    code = "too_many_favourites"
    title = "常用联系人过多"
    detail = "最多保存 200 个常用联系人，请先删除不用的。"


class ContactNotVisible(Forbidden):
    """A member does not exist or is not visible in the address book; the response is the same."""

    code = "contact_not_visible"
    title = "联系人不可见"
    detail = "只能选择通讯录中可见的单位和人员。"

    @classmethod
    def at(cls, places: Sequence[int], field: Sequence[str]) -> "ContactNotVisible":
        """Name the wrong entries of the list `field` by their indexes, or the whole body without `field`."""
        return cls(
            f"所选的联系人中有 {len(places)} 个在通讯录中不可见。",
            errors=[
                FieldError.at(*field, *((place,) if field else ()), detail="在通讯录中不可见")
                for place in places[:100]
            ],
        )


class SharedGroupReadOnly(Forbidden):
    """Only who drafts notices keeps the shared groups of a unit."""

    code = "shared_group_read_only"
    title = "不能修改共享分组"
    detail = "单位共享分组由有“起草通知”权限的人维护。"
