"""Queries over templates: those of a unit, and those that units above it offer."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.documents import NoticeKind
from office.directory.models import Unit
from office.templates.errors import TemplateNameTaken
from office.templates.models import NoticeTemplate, TemplateVersion
from office.writing.predicates import by_pairs
from servicekit.lists import Listed, by_id, listed
from servicekit.paging import PageRequest

MAX_VERSIONS = 500


@dataclass(frozen=True)
class TemplateFilter:
    """Which templates are wanted; None is no filter."""

    kind: NoticeKind | None = None
    own: bool | None = None
    words: str | None = None


class TemplateRepository:
    """Read and write templates."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def save(self, template: NoticeTemplate) -> None:
        """Write a new or changed template. Raises `TemplateNameTaken`."""
        self._session.add(template)
        try:
            await self._session.flush()
        except IntegrityError as error:
            if "uq_notice_templates_name" in str(error.orig):
                raise TemplateNameTaken from error
            raise

    async def add_version(self, version: TemplateVersion) -> None:
        """Write a version."""
        self._session.add(version)
        await self._session.flush()

    async def lock_own(self, template_id: UUID, unit: Unit) -> NoticeTemplate | None:
        """Return the unit's own template in use, locked until the transaction ends."""
        statement = (
            select(NoticeTemplate)
            .where(
                NoticeTemplate.id == template_id,
                NoticeTemplate.unit_id == unit.id,
                NoticeTemplate.retired_at.is_(None),
            )
            .with_for_update()
        )
        return (await self._session.scalars(statement)).one_or_none()

    async def find(self, template_id: UUID, unit: Unit) -> tuple[NoticeTemplate, Unit | None] | None:
        """Return a template that the unit may use, and the unit that has it."""
        statement = (
            select(NoticeTemplate, Unit)
            .outerjoin(Unit, Unit.id == NoticeTemplate.unit_id)
            .where(NoticeTemplate.id == template_id, *_usable(unit))
        )
        row = (await self._session.execute(statement)).one_or_none()
        return None if row is None else (row[0], row[1])

    async def list(
        self, unit: Unit, wanted: TemplateFilter, paging: PageRequest
    ) -> Listed[tuple[NoticeTemplate, Unit | None]]:
        """Return templates that the unit may use, the newest first. Raises `BadCursor`."""
        statement: Select[NoticeTemplate, Unit | None] = (
            select(NoticeTemplate, Unit)
            .outerjoin(Unit, Unit.id == NoticeTemplate.unit_id)
            .where(*_usable(unit), *_wanted(unit, wanted))
        )
        return await listed(self._session, statement, by_id(NoticeTemplate.id, latest_first=True), paging)

    async def versions(self, template_id: UUID) -> Sequence[TemplateVersion]:
        """Return the versions of a template, the latest first."""
        statement = (
            select(TemplateVersion)
            .where(TemplateVersion.template_id == template_id)
            .order_by(TemplateVersion.version.desc())
            .limit(MAX_VERSIONS)
        )
        return (await self._session.scalars(statement)).all()


def _usable(unit: Unit) -> list[ColumnElement[bool]]:
    above = unit.path.split(".")[:-1]
    return [
        NoticeTemplate.retired_at.is_(None),
        or_(NoticeTemplate.unit_id == unit.id, and_(NoticeTemplate.offered, Unit.code.in_(above))),
    ]


def _wanted(unit: Unit, wanted: TemplateFilter) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if wanted.kind is not None:
        conditions.append(NoticeTemplate.kind == wanted.kind)
    if wanted.own is not None:
        mine = NoticeTemplate.unit_id == unit.id
        conditions.append(mine if wanted.own else ~mine)
    return [*conditions, *by_pairs(wanted.words, NoticeTemplate.words, NoticeTemplate.name)]
