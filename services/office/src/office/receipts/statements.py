"""The statements of signing and reading, which run on a lane (`servicekit.lanes`). Runs no queries."""

from typing import Any, Final

from sqlalchemy import (
    Boolean,
    ColumnElement,
    DateTime,
    Integer,
    Select,
    Text,
    Uuid,
    and_,
    bindparam,
    cast,
    exists,
    func,
    literal,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, insert
from sqlalchemy.sql.elements import BindParameter
from sqlalchemy.types import TypeEngine

from contracts.vocabulary import TaskKind, TaskState
from office.base import outbox
from office.counters.models import ReceiptCount
from office.directory.models import Person, Unit
from office.dispatches.statements import NOTICE, UNIT, delivered
from office.notices.models import Notice
from office.receipts.models import Read, Signature
from office.returns.models import STANDING, Return
from office.tasks.feed import TaskChange
from office.tasks.models import Task, TaskShare
from office.tasks.service import OWN
from servicekit.lanes import Statement
from servicekit.ltree import LTree
from servicekit.words import inline

_INSTANT: Final = DateTime(timezone=True)
TASK_COLUMNS: Final = (
    *("id", "kind", "subject", "title", "link", "urgency", "deadline", "opened_at", "cause"),
    *("subject_gone", "needs"),
)
"""What browsers are told of a task, and whom it concerns; the columns have the prefix `task_`."""


def _value(name: str, type_: TypeEngine[Any] | type[TypeEngine[Any]]) -> BindParameter[Any]:
    return bindparam(name, type_=type_)


_SUB: Final = _value("sub", Uuid)
_AT: Final = _value("at", _INSTANT)
_COUNTED: Final = _value("counted", Boolean)
_GROUP: Final = func.text2ltree(_value("group", Text), type_=LTree)
_ONE: Final = literal(1, Integer)
_SUBJECT: Final = _value("subject", Text)


def _about(kind: TaskKind) -> tuple[ColumnElement[bool], ...]:
    return (
        Task.source == literal(OWN, literal_execute=False),
        Task.subject == _SUBJECT,
        Task.kind == inline(kind),
    )


def _seen(*columns: Any) -> Select[Any]:
    """Return the query of a unit, a notice, and how the unit has it."""
    delivery = delivered("id", "deadline").subquery("delivery")
    return (
        select(
            Unit.path.label("unit_path"),
            Unit.status.label("unit_status"),
            Unit.placed_at,
            Notice.status.label("notice_status"),
            Notice.kind,
            Notice.publisher_id,
            Notice.published_at,
            delivery.c.id.label("forwarding_id"),
            delivery.c.deadline,
            *columns,
        )
        .select_from(Unit)
        .outerjoin(Notice, Notice.id == NOTICE)
        .outerjoin(delivery, true())
        .where(Unit.id == UNIT)
    )


def _signing() -> Select[Any]:
    task = select(Task).where(*_about(TaskKind.SIGN), Task.addressed, Task.withdrawn_at.is_(None))
    addressed = task.order_by(Task.id).limit(1).subquery("addressed")
    own = exists().where(
        TaskShare.task_id == Task.id,
        TaskShare.addressee == UNIT,
        TaskShare.state == inline(TaskState.OPEN),
        *_about(TaskKind.SIGN),
        ~Task.addressed,
    )
    returned = exists().where(
        Return.notice_id == NOTICE,
        Return.unit_id == UNIT,
        Return.status.in_([inline(status) for status in STANDING]),
    )
    signer = func.coalesce(Signature.signed_by, _SUB)
    return (
        _seen(
            Unit.name.label("unit_name"),
            returned.label("returned"),
            Signature.signed_by,
            Signature.signed_at,
            Signature.late,
            Signature.signing_unit_id,
            Signature.reason,
            Person.name.label("signer_name"),
            own.label("has_own_task"),
            *(addressed.c[name].label(f"task_{name}") for name in TASK_COLUMNS),
        )
        .outerjoin(Signature, and_(Signature.notice_id == NOTICE, Signature.unit_id == UNIT))
        .outerjoin(Person, Person.sub == signer)
        .outerjoin(addressed, true())
    )


SIGNING: Final = Statement(_signing())
"""What decides about a signature of `unit` by `sub`, the one there is, and the task that it ends."""

READING: Final = Statement(
    _seen(
        Read.read_at,
        exists()
        .where(Read.notice_id == NOTICE, Read.unit_id == UNIT, Read.counted)
        .correlate_except(Read)
        .label("has_readers"),
    ).outerjoin(Read, and_(Read.notice_id == NOTICE, Read.sub == _SUB))
)
"""What decides about a read by `sub`, and the one there is."""

SIGNING_UNIT: Final = Statement(select(Unit.id, Unit.code, Unit.name).where(Unit.id == UNIT))


def _count(receipt: Any, **numbers: Any) -> Any:
    """Return the insertion that adds these numbers to the counters for each row of `receipt`."""
    statement = insert(ReceiptCount).from_select(
        ["notice_id", "path", *numbers],
        select(receipt.c.notice_id, _GROUP, *numbers.values()).where(_COUNTED),
    )
    added = {name: getattr(ReceiptCount, name) + statement.excluded[name] for name in numbers}
    return statement.on_conflict_do_update(index_elements=["notice_id", "path"], set_=added)


def _change(ended: Any) -> Any:
    """Return the insertion of what browsers are told of the ended share of a unit."""
    return insert(TaskChange.__table__).from_select(  # type: ignore[arg-type]
        ["id", "unit_id", "roles", "data"],
        select(
            _value("change_id", Uuid),
            ended.c.addressee,
            _value("needs", ARRAY(Text)),
            cast(_value("told", Text), JSONB),
        ),
    )


def _sign() -> Any:
    signed = (
        insert(Signature)
        .values(
            notice_id=NOTICE,
            unit_id=UNIT,
            signed_by=_SUB,
            signed_at=_AT,
            late=_value("late", Boolean),
            signing_unit_id=_value("signing_unit", Uuid),
            reason=_value("reason", Text),
            counted=_COUNTED,
        )
        .on_conflict_do_nothing()
        .returning(Signature.notice_id)
        .cte("signed")
    )
    event = insert(outbox.row.__table__).from_select(
        ["id", "source", "type", "subject", "correlation_id", "traceparent", "data"],
        select(
            *(_value(f"event_{name}", Text if name != "id" else Uuid) for name in ("id", "source", "type")),
            _value("event_subject", Text),
            _value("event_correlation_id", Text),
            _value("event_traceparent", Text),
            cast(_value("event_data", Text), JSONB),
        ).select_from(signed),
    )
    share = (
        insert(TaskShare)
        .from_select(
            ["task_id", "addressee", "unit_id", "personal", "state", "done_by", "done_at", "ended_at"],
            select(
                _value("task", Uuid),
                UNIT,
                UNIT,
                literal(False, Boolean),
                literal(TaskState.DONE.value, Text),
                _SUB,
                _AT,
                _AT,
            ).where(_value("task", Uuid).is_not(None)),
        )
        .on_conflict_do_update(
            index_elements=["task_id", "addressee"],
            set_={"state": TaskState.DONE, "done_by": _SUB, "done_at": _AT, "ended_at": _AT},
            where=TaskShare.state == inline(TaskState.OPEN),
        )
        .returning(TaskShare.addressee)
        .cte("share")
    )
    return (
        select(
            select(signed.c.notice_id).exists().label("new"),
            select(share.c.addressee).exists().label("ended"),
        )
        .add_cte(_change(share).cte("told_of"))
        .add_cte(_count(signed, signed=_ONE).cte("counting"))
        .add_cte(event.cte("recorded"))
    )


SIGN: Final = Statement(_sign())
"""Write a signature unless there is one, and with it the counter and the event; end the task in any case."""

OWN_TASKS: Final = Statement(
    select(
        *(getattr(Task, name).label(f"task_{name}") for name in TASK_COLUMNS),
        TaskShare.holder.label("holder"),
    )
    .join(TaskShare, TaskShare.task_id == Task.id)
    .where(*_about(TaskKind.SIGN), TaskShare.addressee == UNIT, TaskShare.state == inline(TaskState.OPEN))
    .order_by(Task.id)
    .with_for_update(of=TaskShare)
)
"""The open tasks of this unit alone: it was sent the notice again after it had returned it."""


def _end() -> Any:
    ended = (
        update(TaskShare)
        .where(TaskShare.task_id == _value("task", Uuid), TaskShare.addressee == UNIT)
        .values(state=TaskState.DONE, done_by=_SUB, done_at=_AT, ended_at=_AT)
        .returning(TaskShare.addressee)
        .cte("ended")
    )
    return select(ended.c.addressee).add_cte(_change(ended).cte("told_of"))


END_OWN_TASK: Final = Statement(_end())


def _read() -> Any:
    read = (
        insert(Read)
        .values(notice_id=NOTICE, sub=_SUB, unit_id=UNIT, read_at=_AT, counted=_COUNTED)
        .on_conflict_do_nothing()
        .returning(Read.notice_id)
        .cte("read_now")
    )
    counting = _count(read, read=_ONE, read_units=_value("first", Integer))
    return select(select(read.c.notice_id).exists().label("new")).add_cte(counting.cte("counting"))


READ: Final = Statement(_read())
"""Write a read unless there is one, and count it. `first` is 1 for the first reader of the unit, else 0."""
