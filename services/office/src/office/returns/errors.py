"""Errors of returns."""

from servicekit.problems import Conflict


class OwnNotice(Conflict):
    """The publisher neither signs nor returns its own notice."""

    code = "own_notice"
    title = "本单位发布的通知"
    detail = "本单位是发文单位，不需要签收或退回。"


class NoReceiptNeeded(Conflict):
    """An announcement (公告) is public inside its scope: nobody owes a receipt, nobody returns it."""

    code = "no_receipt_needed"
    title = "公告不需要签收"
    detail = "公告在其范围内公开，不需要签收，也不能退回。"


class NoticeReturned(Conflict):
    """The unit has returned the notice, so it neither signs nor forwards it."""

    code = "notice_returned"
    title = "通知已退回"
    detail = "本单位已退回该通知。来文单位处理之前可以撤销退回，来文单位重新发送后可以继续办理。"


class PassedOn(Conflict):
    """The unit has forwarded the notice, so it cannot return it."""

    code = "notice_passed_on"
    title = "通知已转发"
    detail = "本单位已向下级转发该通知，不能退回。"


class ReturnDecided(Conflict):
    """The return has ended, or cannot be decided like that any more."""

    code = "return_decided"
    title = "退回已处理"
    detail = "该退回已经处理。"
