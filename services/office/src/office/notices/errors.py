"""Errors of requests about notices."""

from servicekit.problems import Conflict, NotFound, Problem


class ClassifiedDocumentRefused(Problem):
    """The document is marked as a state secret."""

    status = 400
    code = "classified_document_refused"
    title = "不得上传涉密文件"
    detail = "本系统不处理标有秘密、机密、绝密的文件，请通过保密渠道办理。"


class DocumentNumberTaken(Conflict):
    """The unit has used the 发文字号 for another notice."""

    code = "document_number_taken"
    title = "发文字号已被使用"
    detail = "本单位已有使用该发文字号的通知。"


class NotDraft(Conflict):
    """Only a draft can be changed or issued."""

    code = "notice_not_draft"
    title = "通知已签发"
    detail = "只有草稿可以修改或签发。"


class NotPublished(Conflict):
    """Only a published notice can be withdrawn, forwarded or signed."""

    code = "notice_not_published"
    title = "通知未发布"
    detail = "该通知尚未发布。"


class NoticeWithdrawn(Conflict):
    """The publisher has withdrawn the notice."""

    code = "notice_withdrawn"
    title = "通知已撤回"
    detail = "该通知已被发文单位撤回。"


class BadDeadline(Problem):
    """A deadline in the past or more than a year ahead."""

    status = 400
    code = "deadline_out_of_range"
    title = "办理期限无效"
    detail = "办理期限应晚于当前时间，且不超过一年。"


class WorkdaysNotPublished(Conflict):
    """The deadline falls in a year whose holidays have not been published."""

    code = "workdays_not_published"
    title = "工作日安排尚未公布"
    detail = "办理期限所在年份的节假日安排尚未公布，请直接填写截止时间。"

    def __init__(self, year: int | None = None) -> None:
        super().__init__(
            None
            if year is None
            else f"{year}年的节假日安排尚未公布，无法按工作日计算期限，请直接填写截止时间。"
        )


NOT_CIRCULATING = (NotFound, NotPublished, NoticeWithdrawn)
"""What a request about a notice that circulates may answer."""
