"""Errors of requests about tasks."""

from servicekit.problems import Conflict, Forbidden, Problem


class TaskTaken(Conflict):
    """A colleague has taken the task."""

    code = "task_taken"
    title = "已被领取"
    detail = "该事项已由同事领取。"

    @classmethod
    def by(cls, name: str | None) -> "TaskTaken":
        """Name the colleague, if known."""
        return cls(None if name is None else f"该事项已由{name}领取。")


class TaskNotTaken(Conflict):
    """Only who has taken a task can release it."""

    code = "task_not_taken"
    title = "尚未领取"
    detail = "您没有领取该事项。"


class TaskDone(Conflict):
    """The task is done."""

    code = "task_done"
    title = "事项已办结"
    detail = "该事项已经办结。"


class TaskWithdrawn(Conflict):
    """Whoever opened the task has withdrawn it."""

    code = "task_withdrawn"
    title = "事项已撤回"
    detail = "该事项已被撤回。"


class TaskSubjectGone(Conflict):
    """What the task is about no longer exists."""

    code = "task_subject_gone"
    title = "办理对象已不存在"
    detail = "该事项的办理对象已被删除，无需办理。"


class TaskPersonal(Conflict):
    """The task is for one person and cannot be taken or released."""

    code = "task_personal"
    title = "指派给个人的事项"
    detail = "该事项指派给个人，不能领取或放回。"


class TaskDoneElsewhere(Conflict):
    """The task ends with what it asks for, not by hand."""

    code = "task_done_elsewhere"
    title = "请在办理页面完成"
    detail = "该事项在办理页面完成后自动办结，不能直接标记为已办。"


class NotColleague(Problem):
    """The person to whom a task is passed on does not belong to the unit or may not do it."""

    status = 400
    code = "not_colleague"
    title = "不能转交给此人"
    detail = "只能转交给本单位正常状态、具有办理角色的人员。"


class ActingForOtherUnit(Forbidden):
    """The task belongs to another unit of the person than the one the token acts for."""

    code = "acting_for_other_unit"
    title = "请切换单位"
    detail = "该事项属于您的另一个单位，请切换到该单位后办理。"


CLOSED = (TaskDone, TaskWithdrawn, TaskSubjectGone)
"""What an action on a task that is no longer open answers."""
