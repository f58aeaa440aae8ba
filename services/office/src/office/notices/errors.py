"""Errors of requests about notices."""

from collections.abc import Sequence

from office.files.errors import FileNotAttachable, TooManyAttachments
from office.numbering.errors import UnknownPrefix
from servicekit.etags import PreconditionRequired, VersionChanged
from servicekit.problems import Conflict, FieldError, Forbidden, NotFound, Problem


class ClassifiedDocumentRefused(Problem):
    """The document is marked as a state secret."""

    status = 400
    code = "classified_document_refused"
    title = "不得上传涉密文件"
    detail = "本系统不处理标有秘密、机密、绝密的文件，请通过保密渠道办理。"


class BodyTooDeep(Problem):
    """The elements of the body are nested too deeply."""

    status = 400
    code = "body_too_deep"
    title = "正文格式过于复杂"
    detail = "正文的列表、表格等嵌套层次过多，请简化格式，或粘贴为纯文本后再试。"


class NotDraft(Conflict):
    """Only a draft can be changed or submitted."""

    code = "notice_not_draft"
    title = "通知不是草稿"
    detail = "通知已送审或签发，不能修改；审核中的可以先收回。"


class DraftIncomplete(Conflict):
    """The draft lacks fields that a document must have."""

    code = "draft_incomplete"
    title = "草稿未填写完整"
    detail = "草稿还有必填内容没有填写。"

    def __init__(self, missing: Sequence[tuple[str, str]] = ()) -> None:
        names = "、".join(name for _, name in missing)
        super().__init__(
            f"请先填写{names}。" if missing else None,
            errors=[FieldError.at(field, detail=f"请填写{name}") for field, name in missing],
        )


class NotReviewing(Conflict):
    """Only a notice under review can be approved or recalled."""

    code = "notice_not_in_review"
    title = "通知不在审核中"
    detail = "该通知没有送审，或审核已经结束。"


class NotReturnable(Conflict):
    """Only a notice under review or before its issue can be returned to its drafter."""

    code = "notice_not_returnable"
    title = "不能退回"
    detail = "只有审核中或待签发的通知可以退回修改。"


class OwnDraft(Forbidden):
    """Nobody reviews what they have written."""

    code = "own_draft"
    title = "不能审核自己起草的通知"
    detail = "您起草或修改过该通知，请由本单位其他审核人审核。"


class NoReviewer(Conflict):
    """Nobody else in the unit is a reviewer."""

    code = "no_reviewer"
    title = "没有其他审核人"
    detail = "本单位没有其他审核人，请由签发人直接签发。"


class ReviewRequired(Conflict):
    """The unit has a reviewer, so the notice must be reviewed before its issue."""

    code = "review_required"
    title = "尚未审核"
    detail = "本单位设有审核人，通知须先送审并审核通过，再签发。"


class AlreadyIssued(Conflict):
    """The notice has been issued."""

    code = "notice_already_issued"
    title = "通知已签发"
    detail = "该通知已经签发。"


class BadPublishingTime(Problem):
    """The time of publication is in the past or too far ahead."""

    status = 400
    code = "publishing_time_out_of_range"
    title = "发布时间无效"
    detail = "发布时间应晚于当前时间，且不超过 90 天。"


class NotReplaceable(Conflict):
    """The notice to be replaced is not a published notice of the unit."""

    code = "notice_not_replaceable"
    title = "被替代的通知无效"
    detail = "被替代的通知须为本单位已发布的通知。"


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


class NoticeSuperseded(Conflict):
    """A newer notice has replaced the notice."""

    code = "notice_superseded"
    title = "通知已被替代"
    detail = "该通知已被发文单位的新通知替代，请按新通知办理。"


class NoticeArchived(Conflict):
    """The notice has been archived."""

    code = "notice_archived"
    title = "通知已归档"
    detail = "该通知已归档，只能查看。"


class RevisionNotFound(NotFound):
    """The revision does not exist."""

    code = "revision_not_found"
    title = "没有该修订版本"
    detail = "没有该修订版本；同一人短时间内的多次保存会合并为一个版本。"


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


NOT_CIRCULATING = (NotFound, NotPublished, NoticeWithdrawn, NoticeSuperseded, NoticeArchived)
"""What a request about a notice that circulates may answer."""

WRITING = (
    ClassifiedDocumentRefused,
    BodyTooDeep,
    BadDeadline,
    NotReplaceable,
    UnknownPrefix,
    FileNotAttachable,
    TooManyAttachments,
)
"""What a request that writes a draft may answer."""
CHANGING = (NotFound, NotDraft, VersionChanged, PreconditionRequired)
"""What a request that changes a draft may answer besides."""
