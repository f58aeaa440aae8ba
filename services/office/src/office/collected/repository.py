"""Queries over the answers of a subtree."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Numeric,
    Select,
    Text,
    and_,
    case,
    cast,
    exists,
    func,
    literal,
    or_,
    select,
    text,
    tuple_,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from contracts.documents import AnswerStatus
from contracts.vocabulary import UnitStatus, Vocabulary
from office.answers.models import Answer, AnswerSubject
from office.answers.rules import FILE_SUBJECT
from office.directory.models import Unit
from office.dispatches.predicates import has_here
from office.files.models import File
from office.forms.models import Form
from office.groups.models import GroupMember
from office.returns.models import STANDING, Return
from servicekit.ltree import between, under
from servicekit.paging import MOST_COUNTED


class Which(Vocabulary):
    """Which units of a collection are wanted."""

    ANSWERED = "answered", "已提交"
    DRAFT = "draft", "填写中"
    LATE = "late", "逾期提交"
    REOPENED = "reopened", "退回修改中"
    MISSING = "missing", "尚未提交"


class Line(NamedTuple):
    """A unit, None if it is not replicated, and its answer, None if nobody has begun one."""

    unit: Unit | None
    answer: Answer | None
    path: str


@dataclass(frozen=True)
class Scope:
    """The answers to a notice of the units at and below `paths`, the places where one unit has stood; with
    `group_id` only of the units in a group of the address book.
    """

    notice_id: UUID
    publisher_id: UUID
    paths: tuple[str, ...]
    group_id: UUID | None = None

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> "Scope":
        """Return the scope of an export."""
        group_id = parameters.get("group_id")
        return cls(
            UUID(parameters["notice_id"]),
            UUID(parameters["publisher_id"]),
            tuple(parameters["paths"]),
            None if group_id is None else UUID(group_id),
        )

    def parameters(self) -> dict[str, Any]:
        """Return what `of` reads."""
        return {
            "notice_id": str(self.notice_id),
            "publisher_id": str(self.publisher_id),
            "paths": list(self.paths),
            "group_id": None if self.group_id is None else str(self.group_id),
        }

    def values(self) -> dict[str, Any]:
        """Return the parameters of statements in SQL."""
        return {"notice": self.notice_id, "paths": list(self.paths), "group": self.group_id}

    def has(self, unit_id: InstrumentedAttribute[UUID]) -> list[ColumnElement[bool]]:
        """Return the condition for units in the group."""
        if self.group_id is None:
            return []
        members = select(GroupMember.unit_id).where(
            GroupMember.group_id == self.group_id, GroupMember.sub.is_(None)
        )
        return [unit_id.in_(members)]


class Counts(NamedTuple):
    """The numbers of answers."""

    answered: int
    late: int
    reopened: int
    draft: int


class SubmittedFile(NamedTuple):
    """A file in the answer of a unit, None if it is not replicated, and the key of the field that has it."""

    unit: Unit | None
    path: str
    unit_id: UUID
    field: str
    file: File


class NumberTotal(NamedTuple):
    """What was answered to a number field."""

    answers: int
    total: Decimal
    least: Decimal | None
    most: Decimal | None


_CHOICES: Final = text(
    """
    SELECT given.key, chosen.option, count(*)
    FROM answers
         CROSS JOIN LATERAL jsonb_each(answers.values) AS given
         CROSS JOIN LATERAL jsonb_array_elements_text(
             CASE jsonb_typeof(given.value) WHEN 'array' THEN given.value
                  ELSE jsonb_build_array(given.value) END
         ) AS chosen (option)
    WHERE answers.notice_id = :notice AND answers.path <@ CAST(CAST(:paths AS text[]) AS ltree[])
          AND answers.submitted_at IS NOT NULL AND given.key = ANY(CAST(:keys AS text[]))
          AND (CAST(:group AS uuid) IS NULL OR answers.unit_id IN (
              SELECT m.unit_id FROM contact_group_members m WHERE m.group_id = :group AND m.sub IS NULL))
    GROUP BY 1, 2
    """
)
_CELLS: Final = text(
    """
    SELECT cell.key, count(*), sum(CAST(cell.value AS numeric)), min(CAST(cell.value AS numeric)),
           max(CAST(cell.value AS numeric))
    FROM answers
         CROSS JOIN LATERAL jsonb_array_elements(answers.values -> :table) AS filled
         CROSS JOIN LATERAL jsonb_each(filled.value) AS cell
    WHERE answers.notice_id = :notice AND answers.path <@ CAST(CAST(:paths AS text[]) AS ltree[])
          AND answers.values ? :table AND cell.key = ANY(CAST(:keys AS text[]))
          AND (CAST(:group AS uuid) IS NULL OR answers.unit_id IN (
              SELECT m.unit_id FROM contact_group_members m WHERE m.group_id = :group AND m.sub IS NULL))
    GROUP BY 1
    """
)


class CollectionRepository:
    """Read the answers of a subtree."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def form(self, notice_id: UUID) -> Form | None:
        """Return the form of the notice."""
        return await self._session.get(Form, notice_id)

    async def answers(
        self,
        scope: Scope,
        which: Which,
        words: str | None,
        *,
        after: tuple[str, UUID] | None,
        limit: int,
    ) -> list[Line]:
        """Return units with an answer, in the order of the paths, starting after a path and a unit."""
        statement = (
            select(Unit, Answer, Answer.path)
            .select_from(Answer)
            .outerjoin(Unit, Unit.id == Answer.unit_id)
            .where(*_answers(scope, which), *_named(words))
        )
        if after is not None:
            key = tuple_(Answer.path, Answer.unit_id)
            statement = statement.where(key > tuple_(func.text2ltree(after[0]), after[1]))
        rows = await self._session.execute(statement.order_by(Answer.path, Answer.unit_id).limit(limit))
        return [Line(*row) for row in rows]

    async def count_answers(self, scope: Scope, which: Which, words: str | None) -> int:
        """Return how many there are, up to one more than lists count."""
        rows = (
            select(Answer.unit_id)
            .select_from(Answer)
            .outerjoin(Unit, Unit.id == Answer.unit_id)
            .where(*_answers(scope, which), *_named(words))
            .limit(MOST_COUNTED + 1)
        )
        return (await self._session.scalars(select(func.count()).select_from(rows.subquery()))).one()

    async def missing(self, scope: Scope, words: str | None, *, after: str | None, limit: int) -> list[Line]:
        """Return active units that have the notice and have not answered, in the order of the paths."""
        statement = (
            select(Unit, Answer, Unit.path)
            .outerjoin(Answer, _of_unit(scope))
            .where(*_missing(scope), *_named(words))
        )
        if after is not None:
            statement = statement.where(Unit.path > func.text2ltree(after))
        rows = await self._session.execute(statement.order_by(Unit.path).limit(limit))
        return [Line(*row) for row in rows]

    async def count_missing(self, scope: Scope, words: str | None) -> int:
        """Return how many there are, up to one more than lists count."""
        rows = (
            select(Unit.id)
            .outerjoin(Answer, _of_unit(scope))
            .where(*_missing(scope), *_named(words))
            .limit(MOST_COUNTED + 1)
        )
        return (await self._session.scalars(select(func.count()).select_from(rows.subquery()))).one()

    async def counts(self, scope: Scope) -> Counts:
        """Return the numbers of answers."""
        submitted = Answer.submitted_at.is_not(None)
        row = (
            await self._session.execute(
                select(
                    func.count().filter(submitted),
                    func.count().filter(submitted, Answer.late),
                    func.count().filter(Answer.status == AnswerStatus.REOPENED),
                    func.count().filter(Answer.status == AnswerStatus.DRAFT),
                ).where(*_within(scope))
            )
        ).one()
        return Counts(*row)

    async def numbers(self, scope: Scope, keys: Sequence[str]) -> dict[str, NumberTotal]:
        """Return what was answered to number fields."""
        if not keys:
            return {}
        columns: list[ColumnElement[Any]] = []
        for key in keys:
            value = cast(Answer.values[key].astext, Numeric)
            columns += [func.count(value), func.sum(value), func.min(value), func.max(value)]
        row = (
            await self._session.execute(
                select(*columns).where(*_within(scope), Answer.submitted_at.is_not(None))
            )
        ).one()
        found = {}
        for place, key in enumerate(keys):
            count, total, least, most = row[4 * place : 4 * place + 4]
            found[key] = NumberTotal(count, total or Decimal(0), least, most)
        return found

    async def count_files(self, scope: Scope, keys: Sequence[str], limit: int) -> tuple[int, int]:
        """Return the number of submitted files in the fields with `keys`, up to `limit`, and their bytes."""
        if not keys:
            return 0, 0
        some = _files(scope, keys).with_only_columns(File.size).limit(limit).subquery()
        row = (await self._session.execute(select(func.count(), func.sum(some.c.size)))).one()
        return row[0], int(row[1] or 0)

    async def files(
        self, scope: Scope, keys: Sequence[str], *, after: tuple[str, UUID, UUID] | None, limit: int
    ) -> list[SubmittedFile]:
        """Return submitted files in the fields with `keys`, in the order of the units' paths, after a path,
        a unit and a file.
        """
        statement = _files(scope, keys)
        if after is not None:
            key = tuple_(Answer.path, Answer.unit_id, File.id)
            statement = statement.where(key > tuple_(func.text2ltree(after[0]), after[1], after[2]))
        order = (Answer.path, Answer.unit_id, File.id)
        rows = await self._session.execute(statement.order_by(*order).limit(limit))
        return [SubmittedFile(*row) for row in rows]

    async def file_names(self, ids: Collection[UUID]) -> dict[UUID, str]:
        """Return the names of files by their ids."""
        rows = await self._session.execute(select(File.id, File.name).where(File.id.in_(ids)))
        return {row.id: row.name for row in rows}

    async def cells(self, scope: Scope, table: str, keys: Sequence[str]) -> dict[str, NumberTotal]:
        """Return what was filled into number columns of a table field."""
        rows = await self._session.execute(_CELLS, scope.values() | {"table": table, "keys": list(keys)})
        return {row[0]: NumberTotal(*row[1:]) for row in rows}

    async def choices(self, scope: Scope, keys: Sequence[str]) -> dict[str, dict[str, int]]:
        """Return how often each option of the choice fields was chosen."""
        found: dict[str, dict[str, int]] = {key: {} for key in keys}
        if keys:
            rows = await self._session.execute(_CHOICES, scope.values() | {"keys": list(keys)})
            for key, option, count in rows:
                found[key][option] = count
        return found


def _files(scope: Scope, keys: Sequence[str]) -> Select[Any]:
    """Return the submitted files in the fields with `keys`, each with the field that has it."""
    field = case(
        *((func.jsonb_exists(Answer.values[key], cast(File.id, Text)), literal(key)) for key in keys)
    )
    return (
        select(Unit, Answer.path, Answer.unit_id, field, File)
        .select_from(Answer)
        .join(
            AnswerSubject,
            and_(AnswerSubject.notice_id == Answer.notice_id, AnswerSubject.unit_id == Answer.unit_id),
        )
        .join(File, and_(File.subject_kind == FILE_SUBJECT, File.subject_id == AnswerSubject.id))
        .outerjoin(Unit, Unit.id == Answer.unit_id)
        .where(*_within(scope), Answer.submitted_at.is_not(None), field.is_not(None))
    )


def _within(scope: Scope) -> list[ColumnElement[bool]]:
    paths = list(scope.paths)
    if len(paths) == 1:
        place = and_(under(Answer.path, paths[0]), between(Answer.path, paths[0]))
    else:
        place = or_(*(under(Answer.path, path) for path in paths))
    return [Answer.notice_id == scope.notice_id, place, *scope.has(Answer.unit_id)]


def _answers(scope: Scope, which: Which) -> list[ColumnElement[bool]]:
    conditions = _within(scope)
    if which is Which.DRAFT:
        return [*conditions, Answer.status == AnswerStatus.DRAFT]
    conditions.append(Answer.submitted_at.is_not(None))
    if which is Which.LATE:
        conditions.append(Answer.late.is_(True))
    if which is Which.REOPENED:
        conditions.append(Answer.status == AnswerStatus.REOPENED)
    return conditions


def _of_unit(scope: Scope) -> ColumnElement[bool]:
    return and_(Answer.notice_id == scope.notice_id, Answer.unit_id == Unit.id)


def _missing(scope: Scope) -> list[ColumnElement[bool]]:
    path = scope.paths[-1]
    returned = exists().where(
        Return.notice_id == scope.notice_id, Return.unit_id == Unit.id, Return.status.in_(STANDING)
    )
    return [
        under(Unit.path, path),
        between(Unit.path, path),
        Unit.status == UnitStatus.ACTIVE,
        Unit.id != scope.publisher_id,
        Answer.submitted_at.is_(None),
        has_here(literal(scope.notice_id), Unit),
        ~returned,
        *scope.has(Unit.id),
    ]


def _named(words: str | None) -> list[ColumnElement[bool]]:
    if words is None:
        return []
    return [
        or_(
            Unit.name.icontains(words, autoescape=True),
            Unit.short_name.icontains(words, autoescape=True),
            Unit.code.istartswith(words, autoescape=True),
        )
    ]
