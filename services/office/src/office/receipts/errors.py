"""Errors of receipts."""

from servicekit.problems import Conflict


class NotDelivered(Conflict):
    """The unit to sign for does not have the notice yet."""

    code = "not_delivered"
    title = "通知尚未送达"
    detail = "该单位尚未收到该通知，不能代签。"
