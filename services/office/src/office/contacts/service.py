"""The address book as the caller may see it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from contracts.documents import ContactField, ContactRelation
from office.actors import Actor
from office.contacts.errors import ContactsHidden, UnitHidden
from office.contacts.predicates import Viewer
from office.contacts.repository import Contact, ContactRepository, Figures, UnitCard
from office.directory.indexing import ITSELF
from office.directory.models import FormerPlace, PersonSearch, Unit
from office.directory.service import Units
from searchkit.frequencies import Frequencies
from searchkit.matching import Search
from searchkit.phases import Found, Phases, phase
from searchkit.words import TAIL, UNIT, Wanted, parse
from servicekit.paging import Cut, PageRequest, Total, cut
from servicekit.problems import NotFound


@dataclass(frozen=True)
class CountedCard:
    """A unit with its numbers, None where its people are not visible."""

    card: UnitCard
    figures: Figures | None


@dataclass(frozen=True)
class UnitView:
    """A unit's page. `former` are the places where it stood, with the units above it there.

    It is empty where the history is not visible.
    """

    card: UnitCard
    figures: Figures | None
    ancestors: Sequence[Unit]
    merged_into: Unit | None
    former: Sequence[tuple[FormerPlace, Unit | None]]


class Contacts:
    """The address book within one request."""

    def __init__(self, session: AsyncSession, units: Units, frequencies: Frequencies) -> None:
        self._session = session
        self._units = units
        self._frequencies = frequencies

    async def viewer(self, actor: Actor) -> Viewer:
        """Return who looks. Raises `UnitNotReplicated`, `UnitInactive`."""
        own = await self._units.own(actor)
        return Viewer(actor.sub, own.id, own.parent_id, own.path, actor.permissions)

    async def unit(self, actor: Actor, unit_id: UUID) -> UnitView:
        """Return a unit's page. Raises `NotFound`, `UnitHidden`, and as `viewer` does."""
        viewer = await self.viewer(actor)
        rows = ContactRepository(self._session, viewer)
        card = await self._card(rows, unit_id)
        figures = (await rows.figures([unit_id])).get(unit_id, Figures())
        [listed] = await self._units.listed([card.unit])
        merged = None if card.unit.merged_into_id is None else await self._units.get(card.unit.merged_into_id)
        former: list[tuple[FormerPlace, Unit | None]] = []
        if viewer.sees(card.relation, ContactField.DUTY):
            places = _moves(card.unit, await self._units.former_places(card.unit))
            above = await self._units.of_ids(one.parent_id for one in places if one.parent_id is not None)
            former = [(one, above.get(one.parent_id) if one.parent_id else None) for one in places]
        return UnitView(
            card,
            figures if viewer.sees(card.relation, ContactField.PEOPLE) else None,
            listed.ancestors,
            merged,
            former,
        )

    async def children(
        self, actor: Actor, unit_id: UUID, paging: PageRequest
    ) -> tuple[Cut[CountedCard], Total]:
        """Return the visible units directly below a visible one, by code, with their numbers.

        Raises `BadCursor`, and as `unit` does.
        """
        viewer = await self.viewer(actor)
        rows = ContactRepository(self._session, viewer)
        await self._card(rows, unit_id)
        after = paging.key(str)
        cards = await rows.children(
            unit_id, after=None if after is None else after[0], limit=paging.limit + 1
        )
        found = cut(cards, paging.limit, lambda card: [card.unit.code])
        figures = await rows.figures([card.unit.id for card in found.items])
        counted = [
            CountedCard(
                card,
                figures.get(card.unit.id, Figures())
                if viewer.sees(card.relation, ContactField.PEOPLE)
                else None,
            )
            for card in found.items
        ]
        return Cut(counted, found.next), Total.of(await rows.count_children(unit_id))

    async def people(self, actor: Actor, unit_id: UUID, paging: PageRequest) -> tuple[Cut[Contact], Total]:
        """Return the people of a unit, by name. Raises `ContactsHidden`, `BadCursor`, and as `unit` does."""
        viewer = await self.viewer(actor)
        rows = ContactRepository(self._session, viewer)
        await self._with_people(viewer, rows, unit_id)
        after = paging.key(str, UUID)
        people = await rows.of_unit(
            unit_id, after=None if after is None else (after[0], after[1]), limit=paging.limit + 1
        )
        found = cut(people, paging.limit, lambda person: [person.sorted, person.sub])
        return found, Total.of(await rows.count_of_unit(unit_id))

    async def person(self, actor: Actor, sub: UUID) -> list[Contact]:
        """Return a person in each of the units where the actor sees them.

        Raises `NotFound`, and as `viewer` does.
        """
        found = await ContactRepository(self._session, await self.viewer(actor)).of_person(sub)
        if not found:
            raise NotFound
        return found

    async def search(
        self, actor: Actor, query: str, paging: PageRequest, *, unit_id: UUID | None
    ) -> tuple[Cut[Contact], Total]:
        """Return the people who are found, names that begin with the words first.

        With `unit_id`, only people of the unit and those below it. Raises `ContactsHidden`, `BadCursor`, and
        as `unit` does.
        """
        viewer = await self.viewer(actor)
        rows = ContactRepository(self._session, viewer)
        after = paging.key(phase, str, str, UUID, UUID)
        wanted, field = parse(query), ContactField.PEOPLE
        if wanted is not None and wanted.code is not None:
            field = ContactField.TAIL
            digits = wanted.digits
            wanted = None if digits is None else Wanted((), (frozenset({TAIL + digits}),))
        within = await self._within(viewer, rows, unit_id, field)
        if wanted is None or within is None:
            return Cut([], None), Total.of(0)

        async def one(search: Search) -> Sequence[Found]:
            return await rows.search(search, within, field)

        phases = Phases(self._session, self._frequencies, PersonSearch.__tablename__, one_name=True)
        places = await phases.find(wanted, one, within=within, after=after, limit=paging.limit)
        found = cut(places, paging.limit, lambda place: place[0])
        only = len(found.items) if after is None and found.next is None else None
        total = await phases.total(wanted, PersonSearch, within=within, shown=only)
        return Cut([person for _, person in found.items], found.next), total

    async def _within(
        self, viewer: Viewer, rows: ContactRepository, unit_id: UUID | None, field: ContactField
    ) -> list[str] | None:
        """Return the tokens that narrow a search to what is visible: none for everybody; None for nobody."""
        if unit_id is not None:
            card = await self._with_people(viewer, rows, unit_id)
            if not viewer.sees(card.relation, field):
                return None
            within = card.relation in (ContactRelation.OWN, ContactRelation.BELOW)
            return _at_and_below(card.unit.path) if within else [ITSELF + card.unit.code]
        if not viewer.sees(ContactRelation.BELOW, field):
            return [ITSELF + _code(viewer.path)] if viewer.sees(ContactRelation.OWN, field) else None
        own = _at_and_below(viewer.path)
        above = viewer.path.rpartition(".")[0]
        if own and above and viewer.sees(ContactRelation.PARENT, field):
            return [*own, ITSELF + _code(above)]
        return own

    async def _card(self, rows: ContactRepository, unit_id: UUID) -> UnitCard:
        card = (await rows.cards([unit_id])).get(unit_id)
        if card is None:
            raise NotFound if await self._units.get(unit_id) is None else UnitHidden
        return card

    async def _with_people(self, viewer: Viewer, rows: ContactRepository, unit_id: UUID) -> UnitCard:
        card = await self._card(rows, unit_id)
        if not viewer.sees(card.relation, ContactField.PEOPLE):
            raise ContactsHidden
        return card


def _code(path: str) -> str:
    return path.rpartition(".")[2]


def _at_and_below(path: str) -> list[str]:
    """Return the token of everybody at and below a path; none for the root."""
    return [UNIT + _code(path)] if "." in path else []


def _moves(unit: Unit, places: Sequence[FormerPlace]) -> list[FormerPlace]:
    """Return the former places without changes of level, kind and stages only, which are no moves."""
    found: list[FormerPlace] = []
    since: datetime | None = None
    for number, place in enumerate(places, start=1):
        following: FormerPlace | Unit = places[number] if number < len(places) else unit
        since = since or place.valid_from
        if any(getattr(place, name) != getattr(following, name) for name in ("parent_id", "path", "status")):
            found.append(
                FormerPlace(
                    unit_id=unit.id,
                    valid_from=since,
                    valid_to=place.valid_to,
                    parent_id=place.parent_id,
                    path=place.path,
                    status=place.status,
                )
            )
            since = None
    return found
