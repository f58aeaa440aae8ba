"""Errors of invitations by a table."""

from servicekit.problems import Conflict, NotFound, Problem


class TableUnreadable(Problem):
    """The file is no table of people."""

    status = 400
    code = "table_unreadable"
    title = "表格无法读取"
    detail = "前 10 行中没有表头。表头须包含：手机号、姓名、角色；可以有：职务。"


class TooManyRows(Problem):
    """The table has too many rows."""

    status = 400
    code = "too_many_rows"
    title = "行数过多"
    detail = "一次最多邀请 5000 人，请拆分后上传。"


class BatchNotFound(NotFound):
    """The batch does not exist, or is older than 30 days."""

    code = "invite_batch_not_found"
    title = "批量邀请不存在"
    detail = "所指定的批量邀请不存在，或已超过 30 天。"


class BatchNotReady(Conflict):
    """The batch is not in the state that the action needs."""

    code = "invite_batch_not_ready"
    title = "当前状态不能执行此操作"
    detail = "该批量邀请已发送、正在发送或已取消。"


class NobodyToInvite(Conflict):
    """All rows are wrong."""

    code = "nobody_to_invite"
    title = "没有可以邀请的人员"
    detail = "表格中的每一行都有错误，请改正后重新上传。"
