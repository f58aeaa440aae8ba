"""Enumerations that several services share, with their Chinese labels.

The wire values are stable. The service that owns a value uses the enum as its type. A service that stores a
copy of the value, and every event, use `Open[…]`: a value added later must not make a message or a response
invalid for a service of an earlier release.
"""

from typing import Self

from contracts.permissions import Permission, PlatformRole, Role
from contracts.words import Open, Vocabulary, label

# What other modules define and the vocabulary includes, beside what is defined here.
__all__ = ["Open", "Permission", "PlatformRole", "Role", "Vocabulary", "label"]


class Audience(Vocabulary):
    """The resource server that an access token is for: `aud` (RFC 9068 §2.2) and `resource` (RFC 8707)."""

    IDENTITY = "urn:zhuxue:identity", "统一用户认证"
    OFFICE = "urn:zhuxue:office", "办公系统"
    COCKPIT = "urn:zhuxue:cockpit", "数字驾驶舱"

    @classmethod
    def of(cls, service: str) -> Self:
        """Return the audience of a service, by its name. Raises ValueError for an unknown service."""
        return cls(cls.name_of(service))

    @staticmethod
    def name_of(client_id: str) -> str:
        """Return the audience of any resource server, by the id of its client."""
        return f"urn:zhuxue:{client_id}"

    @property
    def service(self) -> str:
        """Return the name of the service, which is also the id of its client."""
        return self.rpartition(":")[2]


class Level(Vocabulary):
    """The place of a unit in the administration (层级)."""

    MINISTRY = "ministry", "部"
    PROVINCE = "province", "省"
    CITY = "city", "市"
    COUNTY = "county", "县"
    SCHOOL = "school", "学校"
    DEPARTMENT = "department", "院系／中心校"


class Kind(Vocabulary):
    """The type of a unit (类别)."""

    STUDENT_AID = "student_aid", "学生资助管理中心"
    NUTRITION = "nutrition", "营养改善计划办公室"
    SCHOOL = "school", "学校"
    DEPARTMENT = "department", "院系／中心校"


class Stage(Vocabulary):
    """A stage of education (学段), in order of age."""

    PRESCHOOL = "preschool", "学前教育"
    COMPULSORY = "compulsory", "义务教育"
    GENERAL_HIGH = "general_high", "普通高中"
    SECONDARY_VOCATIONAL = "secondary_vocational", "中等职业教育"
    HIGHER_VOCATIONAL = "higher_vocational", "高等职业教育"
    UNDERGRADUATE = "undergraduate", "本科"
    MASTER = "master", "硕士"
    DOCTOR = "doctor", "博士"


class InviteBatchStatus(Vocabulary):
    """How far an invitation by a table has come."""

    CHECKED = "checked", "待确认"
    SENDING = "sending", "发送中"
    PAUSED = "paused", "待继续发送"
    DONE = "done", "已完成"
    CANCELLED = "cancelled", "已取消"


class InviteResult(Vocabulary):
    """What became of one row of a table of people to invite."""

    WAITING = "waiting", "待发送"
    SENT = "sent", "已发送"
    POSTPONED = "postponed", "超出当日限额"
    WRONG = "wrong", "有错误"
    REFUSED = "refused", "未发送"


class ProposalStatus(Vocabulary):
    """How far a proposal has come that a second administrator of the platform confirms."""

    PENDING = "pending", "待确认"
    CONFIRMED = "confirmed", "已确认"
    REFUSED = "refused", "已否决"


class EntitlementRequestStatus(Vocabulary):
    """How far a request for an entitlement has come."""

    PENDING = "pending", "待审批"
    APPROVED = "approved", "已批准"
    REJECTED = "rejected", "未批准"
    WITHDRAWN = "withdrawn", "已撤回"
    EXPIRED = "expired", "已过期"


class Entitlement(Vocabulary):
    """A right that a person holds beside the roles in a unit."""

    COCKPIT = "cockpit", "数字驾驶舱"


class UnitStatus(Vocabulary):
    """Whether a unit works."""

    ACTIVE = "active", "正常"
    CLOSED = "closed", "已撤销"


class DelegationEnding(Vocabulary):
    """Why a delegation ended before its time."""

    REVOKED = "revoked", "提前终止"
    LEFT = "left", "人员离开单位"
    UNIT_CLOSED = "unit_closed", "单位撤销"
    UNIT_MERGED = "unit_merged", "单位并入其他单位"


class UnitChangeKind(Vocabulary):
    """What happened to a unit."""

    OPENED = "opened", "设立"
    RENAMED = "renamed", "更名"
    AMENDED = "amended", "信息变更"
    MOVED = "moved", "隶属变更"
    MOVED_WITH = "moved_with", "随上级单位变更隶属"
    ABSORBED = "absorbed", "接收并入单位"
    SPLIT = "split", "分设新单位"
    MERGED = "merged", "并入其他单位"
    CLOSED = "closed", "撤销"


class UnitImportStatus(Vocabulary):
    """How far an import of units has come."""

    CHECKING = "checking", "校验中"
    CHECKED = "checked", "已校验，待确认"
    APPLYING = "applying", "导入中"
    DONE = "done", "已完成"
    FAILED = "failed", "文件不能导入"
    CANCELLED = "cancelled", "已取消"


class UnitImportResult(Vocabulary):
    """What an import does with a row."""

    NEW = "new", "新增"
    CHANGED = "changed", "变更"
    UNCHANGED = "unchanged", "无变化"
    WRONG = "wrong", "有错误"
    REFUSED = "refused", "未导入"


class FileFormat(Vocabulary):
    """The format of a table that is imported or exported."""

    XLSX = "xlsx", "Excel 工作簿"
    CSV = "csv", "CSV 文本"


class ExportStatus(Vocabulary):
    """How far an export has come."""

    RUNNING = "running", "生成中"
    DONE = "done", "已完成"
    FAILED = "failed", "未能生成"
    CANCELLED = "cancelled", "已取消"


class AccountStatus(Vocabulary):
    """Whether a person may sign in."""

    ACTIVE = "active", "正常"
    SUSPENDED = "suspended", "已停用"
    CLOSED = "closed", "已注销"


class RealNameOutcome(Vocabulary):
    """What a provider of real-name checks says about a name and an identity number."""

    MATCHED = "matched", "一致"
    MISMATCHED = "mismatched", "不一致"
    UNAVAILABLE = "unavailable", "未取得结果"


class PolicyKind(Vocabulary):
    """A document that people agree to."""

    PRIVACY_POLICY = "privacy_policy", "隐私政策"
    TERMS = "terms", "使用条款"
    ID_NUMBER = "id_number", "公民身份号码处理告知书"


class PhoneChangeKind(Vocabulary):
    """Why a number changes after a waiting time."""

    CHANGE = "change", "更换手机号"
    RECOVERY = "recovery", "找回账号"


class PhoneChangeStatus(Vocabulary):
    """How far a change of a phone number has come."""

    REQUESTED = "requested", "待单位审核"
    WAITING = "waiting", "等待生效"
    DONE = "done", "已生效"
    REJECTED = "rejected", "未通过"
    CANCELLED = "cancelled", "已取消"
    FAILED = "failed", "未能生效"


class JoinRequestStatus(Vocabulary):
    """How far a request to join a unit has come."""

    PENDING = "pending", "待审批"
    APPROVED = "approved", "已通过"
    REJECTED = "rejected", "未通过"
    WITHDRAWN = "withdrawn", "已撤回"
    EXPIRED = "expired", "已过期"


class ClientStatus(Vocabulary):
    """Whether a client may ask for tokens."""

    ACTIVE = "active", "启用"
    DISABLED = "disabled", "已停用"
    DELETED = "deleted", "已删除"


class NoticeStatus(Vocabulary):
    """How far a notice has come."""

    DRAFT = "draft", "草稿"
    REVIEWING = "reviewing", "审核中"
    REVIEWED = "reviewed", "待签发"
    ISSUED = "issued", "已签发，待发布"
    PUBLISHED = "published", "已发布"
    WITHDRAWN = "withdrawn", "已撤回"
    SUPERSEDED = "superseded", "已被替代"
    ARCHIVED = "archived", "已归档"


class TaskKind(Vocabulary):
    """What a task asks for (待办类型)."""

    REVIEW = "review", "审核"
    ISSUE = "issue", "签发"
    SIGN = "sign", "签收"
    HANDLE = "handle", "承办"
    ANSWER = "answer", "答复"
    RETURN = "return", "处理退回"
    OTHER = "other", "其他"


class ReminderReason(Vocabulary):
    """What a unit is reminded of (催办事由)."""

    UNSIGNED = "unsigned", "未签收"
    BLOCKING = "blocking", "未转发"


class TaskState(Vocabulary):
    """How far a task has come."""

    OPEN = "open", "待办"
    DONE = "done", "已办"
    WITHDRAWN = "withdrawn", "已撤回"


class TaskAction(Vocabulary):
    """What happened to a task."""

    OPENED = "opened", "产生"
    TAKEN = "taken", "领取"
    RELEASED = "released", "放回"
    DELEGATED = "delegated", "转交"
    HANDED_OVER = "handed_over", "移交"
    RETURNED = "returned", "退回单位"
    DONE = "done", "办结"
    WITHDRAWN = "withdrawn", "撤回"


class TaskClock(Vocabulary):
    """How the time for a task is counted."""

    WORKDAYS = "workdays", "工作日"
    DAYS = "days", "自然日"


class Reach(Vocabulary):
    """How a sender names the units below it that it addresses (主送范围)."""

    CHILDREN = "children", "直接下级"
    SUBTREE = "subtree", "全部下级"
    PICKED = "picked", "指定单位"
