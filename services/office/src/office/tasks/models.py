"""Tasks, their addresses, their shares and their history.

`tasks` grows with every dispatch and every task of a person, `task_shares` and `task_history` with every
action. All keys begin with an id that is a UUIDv7. `tasks.jobs` deletes them after two years.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from contracts.documents import Urgency
from contracts.vocabulary import TaskAction, TaskClock, TaskState
from office.addressing.models import AddressColumns, address_constraints
from office.base import Base
from office.tasks.errors import TaskDone, TaskSubjectGone, TaskWithdrawn
from office.tasks.rules import Deadline
from servicekit.ids import new_id
from servicekit.words import Word, known

_INSTANT = DateTime(timezone=True)


class Task(Base):
    """What somebody has to do, until it is withdrawn. Whether it is done is said by its shares."""

    __tablename__ = "tasks"
    __table_args__ = (
        UniqueConstraint("source", "key"),
        known("urgency", Urgency, "urgency"),
        CheckConstraint("clock IN ('workdays', 'days')", name="clock"),
        CheckConstraint("(cause IS NOT NULL) = (withdrawn_at IS NOT NULL)", name="withdrawn"),
        Index("ix_tasks_subject", "subject", "kind"),
        Index("ix_tasks_owner", "owner", "id", postgresql_where=text("owner IS NOT NULL")),
        Index("ix_tasks_title_pairs", "title_pairs", postgresql_using="gin"),
        Index("ix_tasks_provisional", "id", postgresql_where=text("provisional AND withdrawn_at IS NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    source: Mapped[str] = mapped_column(Text, doc="the service that opened it")
    key: Mapped[str] = mapped_column(
        Text, doc="chosen by the source; opening the same key again does nothing"
    )
    kind: Mapped[str] = mapped_column(Text)
    subject: Mapped[str] = mapped_column(Text, doc="what it is about, such as notice/0192…")
    title: Mapped[str] = mapped_column(Text)
    # Only searched, never shown.
    title_pairs: Mapped[list[str]] = mapped_column(ARRAY(Text), deferred=True)
    link: Mapped[str] = mapped_column(Text)
    urgency: Mapped[Urgency] = mapped_column(Word(Urgency))
    urgency_rank: Mapped[int] = mapped_column(SmallInteger)
    deadline: Mapped[datetime | None] = mapped_column(_INSTANT)
    clock: Mapped[TaskClock | None] = mapped_column(Word(TaskClock))
    clock_count: Mapped[int | None] = mapped_column(Integer)
    provisional: Mapped[bool] = mapped_column(Boolean, doc="a year it depends on has no workdays yet")
    needs: Mapped[list[str]] = mapped_column(
        ARRAY(Text), doc="permissions, roles; who of a unit has one may do it; empty: all its people"
    )
    # For an earlier version that still serves. The trigger `tasks_name_needs` fills it; the next release ends
    # both.
    roles: Mapped[list[str] | None] = mapped_column(ARRAY(Text), deferred=True)
    by_hand: Mapped[bool] = mapped_column(Boolean, doc="a person may mark it as done")
    addressed: Mapped[bool] = mapped_column(
        Boolean, default=False, server_default="false", doc="for the units of its addresses"
    )
    owner: Mapped[UUID | None] = mapped_column(doc="the person who caused it")
    owner_unit_id: Mapped[UUID | None]
    opened_at: Mapped[datetime] = mapped_column(_INSTANT)
    withdrawn_at: Mapped[datetime | None] = mapped_column(_INSTANT)
    withdrawn_by: Mapped[UUID | None]
    cause: Mapped[str | None] = mapped_column(Text, doc="why it was withdrawn, for those who had it")
    subject_gone: Mapped[bool] = mapped_column(Boolean, default=False)

    def due(self, deadline: Deadline | None) -> None:
        """Set when it is due."""
        self.deadline = None if deadline is None else deadline.at
        self.clock = None if deadline is None else deadline.clock
        self.clock_count = None if deadline is None else deadline.count
        self.provisional = deadline is not None and deadline.provisional

    def check_open(self) -> None:
        """Raise `TaskSubjectGone` or `TaskWithdrawn` unless it still concerns those who have it."""
        if self.subject_gone:
            raise TaskSubjectGone(self.cause)
        if self.withdrawn_at is not None:
            raise TaskWithdrawn(f"该事项已被撤回：{self.cause}")

    def withdraw(self, cause: str, *, by: UUID | None, gone: bool, now: datetime) -> None:
        """End it for all who have not done it; `gone`: what it is about no longer exists."""
        self.cause, self.withdrawn_by, self.withdrawn_at = cause, by, now
        self.subject_gone = gone


class TaskAddress(AddressColumns, Base):
    """One dispatch of a task: every unit that it addresses has the task, now or once it comes there.

    The first one that reached a unit says when it is due there.
    """

    __tablename__ = "task_addresses"
    __table_args__ = (
        *address_constraints(),
        Index("ix_task_addresses_sender", "sender_id", "task_id"),
        Index("ix_task_addresses_task", "task_id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, doc="chosen by the feature, such as its dispatch")
    task_id: Mapped[UUID] = mapped_column(ForeignKey("tasks.id", ondelete="CASCADE"))
    sender_id: Mapped[UUID]
    deadline: Mapped[datetime | None] = mapped_column(_INSTANT)
    sent_at: Mapped[datetime] = mapped_column(_INSTANT)


class TaskAddressUnit(Base):
    """A unit that an address with `Reach.PICKED` names."""

    __tablename__ = "task_address_units"

    address_id: Mapped[UUID] = mapped_column(
        ForeignKey("task_addresses.id", ondelete="CASCADE"), primary_key=True
    )
    unit_id: Mapped[UUID] = mapped_column(primary_key=True)


class TaskShare(Base):
    """How far one unit or one person has come with a task.

    `addressee` is the unit, or the person if `personal`. `holder` is who does it: for a unit, who has taken
    it.
    """

    __tablename__ = "task_shares"
    __table_args__ = (
        known("state", TaskState, "state"),
        CheckConstraint("personal OR unit_id = addressee", name="addressee"),
        CheckConstraint("NOT personal OR holder IS NOT NULL", name="personal"),
        CheckConstraint("(state = 'done') = (done_at IS NOT NULL)", name="done"),
        Index(
            "ix_task_shares_unit",
            "unit_id",
            "task_id",
            postgresql_where=text("state = 'open' AND NOT personal"),
        ),
        Index("ix_task_shares_holder", "holder", "task_id", postgresql_where=text("state = 'open'")),
        Index(
            "ix_task_shares_unit_ended",
            "unit_id",
            "ended_at",
            postgresql_where=text("state <> 'open' AND NOT personal"),
        ),
        Index(
            "ix_task_shares_holder_ended",
            "holder",
            "ended_at",
            postgresql_where=text("state <> 'open' AND holder IS NOT NULL"),
        ),
    )

    # No foreign key: hundreds of units a second that end one task would all lock its row.
    task_id: Mapped[UUID] = mapped_column(primary_key=True)
    addressee: Mapped[UUID] = mapped_column(primary_key=True)
    unit_id: Mapped[UUID | None]
    personal: Mapped[bool] = mapped_column(Boolean)
    holder: Mapped[UUID | None]
    taken_at: Mapped[datetime | None] = mapped_column(_INSTANT)
    state: Mapped[TaskState] = mapped_column(Word(TaskState))
    done_by: Mapped[UUID | None]
    done_at: Mapped[datetime | None] = mapped_column(_INSTANT)
    ended_at: Mapped[datetime | None] = mapped_column(_INSTANT, doc="done or withdrawn")
    deadline: Mapped[datetime | None] = mapped_column(_INSTANT, doc="of this unit; None: that of the task")

    @classmethod
    def of_unit(cls, task_id: UUID, unit_id: UUID, deadline: datetime | None = None) -> "TaskShare":
        """Return the open share of a unit; nobody has taken it."""
        return cls(
            task_id=task_id,
            addressee=unit_id,
            unit_id=unit_id,
            personal=False,
            state=TaskState.OPEN,
            deadline=deadline,
        )

    @classmethod
    def of_person(cls, task_id: UUID, sub: UUID, unit_id: UUID | None) -> "TaskShare":
        """Return the open share of a person, in a unit if the task belongs to the work there."""
        return cls(
            task_id=task_id, addressee=sub, unit_id=unit_id, personal=True, holder=sub, state=TaskState.OPEN
        )

    @property
    def is_open(self) -> bool:
        """Return whether it is neither done nor withdrawn."""
        return self.state is TaskState.OPEN

    def check_open(self) -> None:
        """Raise `TaskDone` or `TaskWithdrawn` unless it is open."""
        if self.state is TaskState.DONE:
            raise TaskDone
        if self.state is TaskState.WITHDRAWN:
            raise TaskWithdrawn

    def hold(self, holder: UUID | None, now: datetime) -> None:
        """Give it to a person, or back to the unit."""
        self.holder = holder
        self.taken_at = None if holder is None else now

    def done(self, *, by: UUID | None, now: datetime) -> None:
        """End it as done."""
        self.state = TaskState.DONE
        self.done_by = by
        self.done_at = self.ended_at = now

    def withdraw(self, now: datetime) -> None:
        """End it without being done."""
        self.state = TaskState.WITHDRAWN
        self.ended_at = now


class TaskEntry(Base):
    """One entry of the history of a task in one unit or for one person.

    Opening, doing and withdrawing are not entries: the task and the share have them.
    """

    __tablename__ = "task_history"
    __table_args__ = (
        known("action", TaskAction, "action"),
        Index("ix_task_history_task", "task_id", "addressee", "id"),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    task_id: Mapped[UUID]
    addressee: Mapped[UUID]
    action: Mapped[TaskAction] = mapped_column(Word(TaskAction))
    by: Mapped[UUID | None]
    to: Mapped[UUID | None]
    note: Mapped[str | None] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(_INSTANT)
