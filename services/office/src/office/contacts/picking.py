"""Units and people that somebody picked: whether they are visible, and what has become of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from contracts.documents import ContactField, ContactStatus
from office.actors import Actor
from office.contacts.predicates import Viewer
from office.contacts.repository import Contact, ContactRepository, UnitCard
from office.contacts.service import Contacts
from office.directory.models import Unit
from office.directory.service import Units
from office.groups.rules import Pick


@dataclass(frozen=True)
class Picked:
    """A unit or person that was picked before, as it is now."""

    pick: Pick
    name: str
    status: ContactStatus
    unit_name: str | None = None
    merged_into: Unit | None = None
    duty_phone: str | None = None


class Picking:
    """Looks at picks for one request."""

    def __init__(self, session: AsyncSession, contacts: Contacts, units: Units) -> None:
        self._session = session
        self._contacts = contacts
        self._units = units

    async def viewer(self, actor: Actor) -> Viewer:
        """Return who looks. Raises as `Contacts.viewer` does."""
        return await self._contacts.viewer(actor)

    async def own(self, actor: Actor) -> Unit:
        """Return the acting unit. Raises as `Contacts.viewer` does."""
        return await self._units.own(actor)

    async def names(self, actor: Actor, picks: Sequence[Pick]) -> dict[Pick, str]:
        """Return the names of the picks that may be picked: visible units in force and visible people."""
        _, cards, people = await self._look(actor, picks)
        found = {Pick(unit_id): card.unit.name for unit_id, card in cards.items() if card.unit.is_active}
        found |= {pick: contact.name for pick, contact in people.items()}
        return {pick: name for pick, name in found.items() if pick in set(picks)}

    async def picked(self, actor: Actor, picks: Sequence[tuple[Pick, str]]) -> list[Picked]:
        """Return what has become of the picks, which had these names."""
        viewer, cards, people = await self._look(actor, [pick for pick, _ in picks])
        ends = {card.unit.merged_into_id for card in cards.values()} - {None}
        merged = await self._units.of_ids(one for one in ends if one is not None)
        found = []
        for pick, name in picks:
            card, contact = cards.get(pick.unit_id), people.get(pick)
            into = None if card is None else _at(merged, card.unit.merged_into_id)
            status = _status(viewer, pick, card, contact, into)
            if contact is not None:
                name = contact.name
            elif pick.sub is None and card is not None:
                name = card.unit.name
            found.append(
                Picked(
                    pick,
                    name,
                    status,
                    unit_name=None if card is None or pick.sub is None else card.unit.name,
                    merged_into=into,
                    duty_phone=None if card is None else card.duty_phone,
                )
            )
        return found

    async def _look(
        self, actor: Actor, picks: Sequence[Pick]
    ) -> tuple[Viewer, dict[UUID, UnitCard], dict[Pick, Contact]]:
        viewer = await self._contacts.viewer(actor)
        rows = ContactRepository(self._session, viewer)
        cards = await rows.cards({pick.unit_id for pick in picks})
        pairs = {(pick.sub, pick.unit_id) for pick in picks if pick.sub is not None}
        people = await rows.of_people(pairs) if pairs else []
        return viewer, cards, {Pick(one.unit_id, one.sub): one for one in people}


def _at(units: dict[UUID, Unit], unit_id: UUID | None) -> Unit | None:
    return None if unit_id is None else units.get(unit_id)


def _status(
    viewer: Viewer, pick: Pick, card: UnitCard | None, contact: Contact | None, into: Unit | None
) -> ContactStatus:
    if contact is not None:
        return ContactStatus.PRESENT
    if card is None:
        return ContactStatus.HIDDEN
    if not card.unit.is_active:
        return ContactStatus.CLOSED if into is None else ContactStatus.MERGED
    if pick.sub is None:
        return ContactStatus.PRESENT
    seen = viewer.sees(card.relation, ContactField.PEOPLE)
    return ContactStatus.LEFT if seen else ContactStatus.HIDDEN
