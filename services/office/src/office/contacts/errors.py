"""Errors of the address book."""

from servicekit.problems import Forbidden, Problem


class ContactsHidden(Forbidden):
    """The people of this unit are not visible from the caller's unit."""

    code = "contacts_hidden"
    title = "不能查看该单位的人员"
    detail = "通讯录中可以查看本单位、下级单位和直接上级单位的人员；其他单位请拨打值班电话。"


class UnitHidden(Forbidden):
    """The unit is not visible from the caller's unit."""

    code = "unit_hidden"
    title = "不能查看该单位"
    detail = "通讯录中可以查看本单位、上级、下级和平级单位。"


class TooManyContacts(Problem):
    """The export would have more people than one export may have."""

    status = 409
    code = "too_many_contacts"
    title = "导出人数过多"
    detail = "一次最多导出 5000 人，请选择较小的范围。"
