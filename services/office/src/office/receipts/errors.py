"""Errors of receipts."""

from servicekit.problems import Conflict


class OwnNotice(Conflict):
    """The publisher cannot sign its own notice."""

    code = "own_notice"
    title = "本单位发布的通知"
    detail = "本单位是发文单位，不需要签收。"
