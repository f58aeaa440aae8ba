"""What has changed, for connected browsers: rows that `office.live` numbers and sends.

A change is written in the transaction of what it reports. Numbering it there would need a lock that all
writers share: a number drawn earlier can be committed later, and a reader that has passed it would miss it.
"""

import json
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, DateTime, Identity, Index, Text, func, text
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from contracts.vocabulary import TaskAction
from office.base import Base
from office.tasks.models import Task, TaskShare
from servicekit.ids import new_id


class ChangeColumns:
    """Whom a change concerns, and what they are told.

    One of: a person; a unit's people who have one of `needs` there (all if empty); the people of every
    unit that the dispatch of the task `dispatched` addresses.
    """

    sub: Mapped[UUID | None]
    unit_id: Mapped[UUID | None]
    dispatched: Mapped[UUID | None] = mapped_column(doc="an address, or a task with all its addresses")
    data: Mapped[dict[str, Any]] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())

    @declared_attr
    def needs(cls) -> Mapped[list[str]]:  # noqa: N805 - declared_attr works on the class
        """What a unit's people are told by, as of the task; empty: all of them."""
        return mapped_column("roles", ARRAY(Text), default=list)


class TaskChange(ChangeColumns, Base):
    """A change that has no position yet: some milliseconds old."""

    __tablename__ = "task_changes"
    __table_args__ = (CheckConstraint("num_nonnulls(sub, unit_id, dispatched) = 1", name="names_one"),)

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)


class FeedEntry(ChangeColumns, Base):
    """A change with its position. Kept for some hours, in which a browser may reconnect without reloading."""

    __tablename__ = "task_feed"
    __table_args__ = (
        Index("ix_task_feed_sub", "sub", "position", postgresql_where=text("sub IS NOT NULL")),
        Index("ix_task_feed_unit", "unit_id", "position", postgresql_where=text("unit_id IS NOT NULL")),
        Index("ix_task_feed_dispatched", "position", postgresql_where=text("dispatched IS NOT NULL")),
        Index("ix_task_feed_created_at", "created_at"),
    )

    position: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)


def as_json(data: Any) -> str:
    """Return data on one line."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


def told(task: Task, action: TaskAction, *, holder: UUID | None = None) -> dict[str, Any]:
    """Return what browsers are told of a task: enough to show it in a list without asking again."""
    return {
        "action": action.value,
        "id": str(task.id),
        "kind": task.kind,
        "subject": task.subject,
        "title": task.title,
        "link": task.link,
        "urgency": task.urgency.value,
        "deadline": None if task.deadline is None else task.deadline.isoformat(),
        "opened_at": task.opened_at.isoformat(),
        "holder": None if holder is None else str(holder),
        "cause": task.cause,
        "subject_gone": task.subject_gone,
    }


def to_share(task: Task, share: TaskShare, action: TaskAction) -> TaskChange:
    """Return the change of one unit's or one person's share."""
    data = told(task, action, holder=share.holder)
    data["unit_id"] = None if share.unit_id is None else str(share.unit_id)
    if share.personal:
        return TaskChange(sub=share.addressee, needs=[], data=data)
    return TaskChange(unit_id=share.addressee, needs=task.needs, data=data)
