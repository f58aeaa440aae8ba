"""The vocabulary of documents (公文), in addition to `contracts.vocabulary`."""

from contracts.vocabulary import Vocabulary


class NoticeKind(Vocabulary):
    """The kind of a notice (文种)."""

    NOTICE = "notice", "通知"
    ANNOUNCEMENT = "announcement", "公告"
    CIRCULAR = "circular", "通报"
    TRANSMITTAL = "transmittal", "转发"


class Urgency(Vocabulary):
    """How soon a document is to be handled (紧急程度)."""

    NORMAL = "normal", "平件"
    URGENT = "urgent", "加急"
    EXTRA_URGENT = "extra_urgent", "特急"


class NoticeStep(Vocabulary):
    """What somebody did with a notice (办理过程)."""

    DRAFTED = "drafted", "起草"
    SUBMITTED = "submitted", "送审"
    RECALLED = "recalled", "收回"
    APPROVED = "approved", "审核通过"
    RETURNED = "returned", "退回修改"
    ISSUED = "issued", "签发"
    PUBLISHED = "published", "发布"
    POSTPONED = "postponed", "未能按时发布"
    WITHDRAWN = "withdrawn", "撤回"
    SUPERSEDED = "superseded", "被替代"
    ARCHIVED = "archived", "归档"


class PreviewStatus(Vocabulary):
    """Whether a file has a small picture of its first page (预览)."""

    NONE = "none", "不生成预览"
    PENDING = "pending", "正在生成"
    READY = "ready", "已生成"
    FAILED = "failed", "无法生成"


class ReturnStatus(Vocabulary):
    """How far the return of a notice to its sender (退回) has come."""

    OPEN = "open", "待来文单位处理"
    CONFIRMED = "confirmed", "已确认退回"
    RESENT = "resent", "已重新发送"
    CANCELLED = "cancelled", "已撤销退回"


class AssignmentStatus(Vocabulary):
    """How far the handling of a notice inside a unit (承办) has come."""

    OPEN = "open", "承办中"
    DONE = "done", "已办结"
    REASSIGNED = "reassigned", "已改派"
    CANCELLED = "cancelled", "已取消"


class AnswerStatus(Vocabulary):
    """How far the answer of a unit to a notice (答复) has come."""

    DRAFT = "draft", "填写中"
    SUBMITTED = "submitted", "已提交"
    REOPENED = "reopened", "退回修改"
