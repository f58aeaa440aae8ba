"""Who a person is and where their units stand, for lists on a lane."""

from collections.abc import Collection, Sequence
from typing import Any, Final
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import Text, Uuid, bindparam, cast, func, select
from sqlalchemy.dialects.postgresql import ARRAY

from contracts.identity import PersonMembership
from office.addressing.predicates import ATTRIBUTES, then
from office.addressing.standing import At, Standing, codes_above, standing
from office.desk.repository import active_memberships
from office.directory.models import FormerPlace, Person, RoleAllowance, Unit
from servicekit.lanes import Runner, Statement

_MEMBERSHIPS: Final = TypeAdapter(list[PersonMembership])
_IDS: Final = func.any(bindparam("units", type_=ARRAY(Uuid)))


def _text(column: Any) -> Any:
    return func.ltree2text(column, type_=Text())


PERSON: Final = Statement(
    select(
        *(Person.status, Person.unit_id, _text(Person.unit_path).label("unit_path"), Person.roles),
        cast(Person.memberships, Text).label("memberships"),
    ).where(Person.sub == bindparam("sub", type_=Uuid()))
)
ROLES: Final = Statement(select(RoleAllowance.code, RoleAllowance.permissions))
UNITS: Final = Statement(
    select(
        *(Unit.id, Unit.code, Unit.name, Unit.parent_id, _text(Unit.path).label("path")),
        *(getattr(Unit, name) for name in ATTRIBUTES),
    ).where(Unit.id == _IDS)
)
FORMER: Final = Statement(
    select(
        *(FormerPlace.unit_id, FormerPlace.parent_id, _text(FormerPlace.path).label("path")),
        FormerPlace.valid_to,
        *(then(FormerPlace, Unit, name) for name in ATTRIBUTES),
    )
    .join(Unit, Unit.id == FormerPlace.unit_id)
    .where(FormerPlace.unit_id == _IDS)
    .order_by(FormerPlace.unit_id, FormerPlace.valid_from)
)
ABOVE: Final = Statement(
    select(Unit.code, Unit.id).where(Unit.code == func.any(bindparam("codes", type_=ARRAY(Text))))
)


class PlaceRepository:
    """Read a person's units, on a lane or in a session."""

    def __init__(self, runner: Runner) -> None:
        self._runner = runner

    async def memberships(self, sub: UUID) -> list[PersonMembership]:
        """Return the memberships of a person; none for one who is not active."""
        row = await self._runner.first(PERSON, {"sub": sub})
        if row is None:
            return []
        known = _MEMBERSHIPS.validate_json(row.memberships)
        return active_memberships(row.status, known, row.unit_id, row.unit_path, row.roles)

    async def holdings(self, memberships: Sequence[PersonMembership]) -> list[frozenset[str]]:
        """Return the permissions and the roles of each membership."""
        if not memberships:
            return []
        allowed = {row.code: row.permissions for row in await self._runner.all(ROLES, {})}
        return [
            frozenset(one.roles).union(*(allowed.get(role, ()) for role in one.roles)) for one in memberships
        ]

    async def standings(self, units: Collection[UUID]) -> dict[UUID, Standing]:
        """Return units with all their places, by their ids; of a unit only what names it."""
        ids = {"units": list(units)}
        rows = {row.id: row for row in await self._runner.all(UNITS, ids)}
        places: dict[UUID, list[At]] = {unit_id: [] for unit_id in rows}
        for row in await self._runner.all(FORMER, ids):
            places[row.unit_id].append(
                At(row.parent_id, row.path, row.valid_to, row.level, row.kind, row.stages)
            )
        for row in rows.values():
            places[row.id].append(At(row.parent_id, row.path, None, row.level, row.kind, row.stages))
        above: dict[str, list[UUID]] = {}
        for row in await self._runner.all(ABOVE, {"codes": codes_above(places.values())}):
            above.setdefault(row.code, []).append(row.id)
        return {
            row.id: standing(Unit(id=row.id, code=row.code, name=row.name), places[row.id], above)
            for row in rows.values()
        }
