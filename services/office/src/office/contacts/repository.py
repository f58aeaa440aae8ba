"""Queries of the address book. What the viewer may not see is left out, or NULL, in the query."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, exists, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from contracts.documents import ContactField, ContactRelation
from contracts.vocabulary import UnitStatus
from office.contacts.predicates import Viewer, belongs, posts, relation, shown, visible
from office.counters.models import TreeCount
from office.directory.models import Person, PersonSearch, Unit
from office.groups.models import GroupMember
from searchkit.matching import Search, matches
from servicekit.ltree import between, under
from servicekit.paging import MOST_COUNTED
from servicekit.words import inline


@dataclass(frozen=True)
class UnitCard:
    """A unit as the viewer sees it; duty phone and address are None where they are not visible."""

    unit: Unit
    relation: ContactRelation
    duty_phone: str | None
    address: str | None


@dataclass(frozen=True)
class Contact:
    """A person in a unit as the viewer sees them."""

    sub: UUID
    name: str
    unit_id: UUID
    unit_name: str
    relation: ContactRelation
    posts: list[str]
    phone_masked: str | None
    duty_phone: str | None
    sorted: str
    """The name as the index has it: the place in lists."""


@dataclass(frozen=True)
class Figures:
    """Numbers of a unit: its people, the units directly below, all units below and their people."""

    people: int = 0
    children: int = 0
    units_below: int = 0
    people_below: int = 0


@dataclass(frozen=True)
class Selection:
    """Whom an export has: the people of the unit at `path`, with `below` of those below it, too; or those of
    the units in a group, and the people in it.
    """

    path: str = ""
    below: bool = False
    group_id: UUID | None = None


class ContactRepository:
    """What one viewer sees."""

    def __init__(self, session: AsyncSession, viewer: Viewer) -> None:
        self._session = session
        self._viewer = viewer

    async def cards(self, ids: Collection[UUID]) -> dict[UUID, UnitCard]:
        """Return the visible ones of these units, in any status."""
        rows = await self._session.execute(
            self._cards().where(Unit.id.in_(sorted(ids)), visible(self._viewer, ContactField.UNIT))
        )
        return {row.Unit.id: _card(row) for row in rows}

    async def children(self, parent_id: UUID, *, after: str | None, limit: int) -> list[UnitCard]:
        """Return the visible active units directly below a unit, by code, after the code `after`."""
        statement = self._cards().where(*self._below(parent_id)).order_by(Unit.code).limit(limit)
        if after is not None:
            statement = statement.where(Unit.code > after)
        return [_card(row) for row in await self._session.execute(statement)]

    async def count_children(self, parent_id: UUID) -> int:
        """Return their number, up to one more than lists count."""
        rows = select(Unit.id).where(*self._below(parent_id)).limit(MOST_COUNTED + 1).subquery()
        return (await self._session.scalars(select(func.count()).select_from(rows))).one()

    async def figures(self, ids: Collection[UUID]) -> dict[UUID, Figures]:
        """Return the numbers of units whose people are visible."""
        wanted = sorted(ids)
        people = await self._session.execute(
            select(PersonSearch.unit_id, func.count().label("people"))
            .join(Unit, Unit.id == PersonSearch.unit_id)
            .where(PersonSearch.unit_id.in_(wanted), visible(self._viewer, ContactField.PEOPLE))
            .group_by(PersonSearch.unit_id)
        )
        counted = {row.unit_id: row.people for row in people}
        sums = await self._session.execute(
            select(TreeCount.unit_id, TreeCount.children, TreeCount.below, TreeCount.people_below)
            .join(Unit, Unit.id == TreeCount.unit_id)
            .where(
                TreeCount.unit_id.in_(wanted),
                TreeCount.level == "",
                visible(self._viewer, ContactField.PEOPLE),
            )
        )
        below = {row.unit_id: row for row in sums}
        return {
            one: Figures(
                counted.get(one, 0),
                *((below[one].children, below[one].below, below[one].people_below) if one in below else ()),
            )
            for one in wanted
            if one in counted or one in below
        }

    async def of_unit(self, unit_id: UUID, *, after: tuple[str, UUID] | None, limit: int) -> list[Contact]:
        """Return the people of a unit, by name, after a name and identifier."""
        doc = PersonSearch
        statement = self._people().where(doc.unit_id == unit_id).order_by(doc.name, doc.sub).limit(limit)
        if after is not None:
            statement = statement.where(
                or_(doc.name > after[0], (doc.name == after[0]) & (doc.sub > after[1]))
            )
        return [_contact(row) for row in await self._session.execute(statement)]

    async def count_of_unit(self, unit_id: UUID) -> int:
        """Return the number of people of a unit, up to one more than lists count."""
        rows = (
            select(PersonSearch.sub)
            .join(Person, belongs(PersonSearch.sub, PersonSearch.unit_id))
            .where(PersonSearch.unit_id == unit_id)
            .limit(MOST_COUNTED + 1)
            .subquery()
        )
        return (await self._session.scalars(select(func.count()).select_from(rows))).one()

    async def selected(
        self, selection: Selection, *, after: tuple[str, str, UUID] | None, limit: int
    ) -> list[tuple[str, Contact]]:
        """Return the people of a selection whom the viewer may export.

        By path, name and identifier, after such a place; each with the path.
        """
        doc = PersonSearch
        statement = (
            self._people()
            .add_columns(Unit.path.label("path"))
            .where(*_selected(selection), visible(self._viewer, ContactField.EXPORT))
            .order_by(Unit.path, doc.name, doc.sub)
            .limit(limit)
        )
        if after is not None:
            top, name, sub = after
            statement = statement.where(
                or_(
                    Unit.path > func.text2ltree(top),
                    (Unit.path == func.text2ltree(top))
                    & or_(doc.name > name, (doc.name == name) & (doc.sub > sub)),
                )
            )
        return [(row.path, _contact(row)) for row in await self._session.execute(statement)]

    async def count_selected(self, selection: Selection, limit: int) -> int:
        """Return the number of people whom `selected` returns, `limit` at most."""
        rows = (
            select(PersonSearch.sub)
            .join(Unit, Unit.id == PersonSearch.unit_id)
            .where(*_selected(selection), visible(self._viewer, ContactField.EXPORT))
            .limit(limit)
            .subquery()
        )
        return (await self._session.scalars(select(func.count()).select_from(rows))).one()

    async def of_people(self, pairs: Collection[tuple[UUID, UUID]]) -> list[Contact]:
        """Return the visible ones of people in units, both given by their identifiers."""
        doc = PersonSearch
        statement = self._people().where(tuple_(doc.sub, doc.unit_id).in_(sorted(pairs)))
        return [_contact(row) for row in await self._session.execute(statement)]

    async def of_person(self, sub: UUID) -> list[Contact]:
        """Return a person in each of the units where the viewer sees them."""
        statement = self._people().where(PersonSearch.sub == sub).order_by(Unit.path).limit(50)
        return [_contact(row) for row in await self._session.execute(statement)]

    async def search(
        self, search: Search, within: Sequence[str], field: ContactField
    ) -> Sequence[tuple[tuple[Any, ...], Contact]]:
        """Return the people who are found in units where `field` is visible, with their places."""
        doc = PersonSearch
        found = matches(search, doc, (doc.first, doc.name, doc.sub, doc.unit_id), within)
        key = (found.c.first, found.c.name, found.c.sub, found.c.unit_id)
        statement = self._people(found).where(visible(self._viewer, field)).order_by(*key).limit(search.limit)
        rows = await self._session.execute(statement.add_columns(found.c.first.label("first")))
        return [((row.first, row.sorted, row.sub, row.unit_id), _contact(row)) for row in rows]

    def _cards(self) -> Select[Any]:
        viewer = self._viewer
        return select(
            Unit,
            relation(viewer).label("relation"),
            shown(viewer, ContactField.DUTY, Unit.duty_phone).label("duty_phone"),
            shown(viewer, ContactField.DUTY, Unit.address).label("address"),
        )

    def _below(self, parent_id: UUID) -> list[Any]:
        return [
            Unit.parent_id == parent_id,
            Unit.status == inline(UnitStatus.ACTIVE),
            visible(self._viewer, ContactField.UNIT),
        ]

    def _people(self, found: Any = None) -> Select[Any]:
        """Select the visible people in their units: those of `found`, else of the whole table."""
        viewer = self._viewer
        here = PersonSearch.__table__.c if found is None else found.c
        return (
            select(
                here.sub,
                here.unit_id,
                here.name.label("sorted"),
                Person.name,
                Unit.name.label("unit_name"),
                relation(viewer).label("relation"),
                posts(here.unit_id).label("posts"),
                shown(viewer, ContactField.PHONE, Person.phone_masked).label("phone_masked"),
                shown(viewer, ContactField.DUTY, Unit.duty_phone).label("duty_phone"),
            )
            .select_from(PersonSearch if found is None else found)
            .join(Unit, Unit.id == here.unit_id)
            .join(Person, belongs(here.sub, here.unit_id))
            .where(Unit.status == inline(UnitStatus.ACTIVE), visible(viewer, ContactField.PEOPLE))
        )


def _selected(selection: Selection) -> list[Any]:
    active, path = Unit.status == inline(UnitStatus.ACTIVE), selection.path
    if selection.group_id is None:
        if not selection.below:
            return [Unit.path == func.text2ltree(path), active]
        return [under(Unit.path, path), between(Unit.path, path), active]
    of_group, doc = GroupMember.group_id == selection.group_id, PersonSearch
    member = exists().where(
        of_group,
        GroupMember.unit_id == doc.unit_id,
        or_(GroupMember.sub.is_(None), GroupMember.sub == doc.sub),
    )
    return [doc.unit_id.in_(select(GroupMember.unit_id).where(of_group)), member, active]


def _card(row: Row[Any]) -> UnitCard:
    return UnitCard(row.Unit, ContactRelation(row.relation), row.duty_phone, row.address)


def _contact(row: Row[Any]) -> Contact:
    return Contact(
        sub=row.sub,
        name=row.name,
        unit_id=row.unit_id,
        unit_name=row.unit_name,
        relation=ContactRelation(row.relation),
        posts=list(row.posts or []),
        phone_masked=row.phone_masked,
        duty_phone=row.duty_phone,
        sorted=row.sorted,
    )
