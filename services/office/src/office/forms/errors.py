"""Errors of forms."""

from servicekit.problems import Conflict, NotFound


class NoForm(NotFound):
    """The notice asks for no answer."""

    code = "no_form"
    title = "不需要答复"
    detail = "该通知没有答复表单。"


class FormNotForAnnouncements(Conflict):
    """An announcement (公告) asks for nothing."""

    code = "form_not_for_announcements"
    title = "公告不能要求答复"
    detail = "公告不需要签收和答复，请改用其他文种。"
