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


class ContactRelation(Vocabulary):
    """Where a unit stands in the authority tree, seen from the unit that a person acts for (关系)."""

    OWN = "own", "本单位"
    BELOW = "below", "下级单位"
    PARENT = "parent", "直接上级"
    SUPERIOR = "superior", "更上级"
    SIBLING = "sibling", "平级单位"
    OTHER = "other", "其他单位"


class ContactField(Vocabulary):
    """What the address book (通讯录) shows or allows."""

    UNIT = "unit", "单位名称、上级单位"
    DUTY = "duty", "值班电话、地址、沿革"
    PEOPLE = "people", "人数、姓名、职务"
    PHONE = "masked_phone", "隐去中间四位的手机号"
    TAIL = "tail", "按手机号后四位查找"
    EXPORT = "export", "导出"
    FULL_PHONE = "full_phone", "完整手机号（在统一用户认证中查看，须填写事由，查看留痕）"


class ContactStatus(Vocabulary):
    """What has become of a unit or person that was picked before."""

    PRESENT = "present", "正常"
    CLOSED = "closed", "单位已撤销"
    MERGED = "merged", "单位已并入其他单位"
    LEFT = "left", "已不在该单位通讯录中"
    HIDDEN = "hidden", "已不可见"


class GroupScope(Vocabulary):
    """Whose group it is."""

    OWN = "own", "个人分组"
    UNIT = "unit", "单位共享分组"


class ExportFormat(Vocabulary):
    """The format of a file that Office makes."""

    XLSX = "xlsx", "Excel 工作簿"
    VCF = "vcf", "电子名片（vCard）"
    ZIP = "zip", "ZIP 压缩包"


class ExportAction(Vocabulary):
    """What somebody did with an export."""

    ASKED = "asked", "提出"
    FETCHED = "fetched", "下载"
