"""Events that Identity publishes."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from contracts.base import EventModel
from contracts.vocabulary import AccountStatus, Audience, Kind, Level, Open, Role, Stage, UnitStatus


class UnitPlace(BaseModel):
    """Where a unit stood in the authority tree from `valid_from` until just before `valid_to`."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    parent_id: UUID | None
    path: str
    status: Open[UnitStatus]
    valid_from: datetime
    valid_to: datetime


class UnitChangedV1(EventModel):
    """A unit was created or changed; carries its whole present state, and where it stood before.

    `code` never changes and is never given to another unit, even after the unit has closed.
    `version` grows with every change of the unit: a consumer keeps the highest it has seen. `placed_at` says
    since when the unit has had its parent, path and status, None that it is not known. `former_places` are
    all earlier ones in the order of their dates; the last one ends at `placed_at`.
    """

    type: ClassVar[str] = "zhuxue.identity.unit.changed.v1"

    unit_id: UUID
    code: str
    name: str
    short_name: str
    level: Open[Level]
    kind: Open[Kind]
    stages: list[Open[Stage]]
    region_code: str | None
    parent_id: UUID | None
    path: str
    status: Open[UnitStatus]
    version: int
    placed_at: datetime | None = None
    former_places: tuple[UnitPlace, ...] = ()


class PersonChangedV1(EventModel):
    """An account or its membership changed; carries what other services need of the person.

    `unit_id` and `unit_path` are None while the person belongs to no unit. The phone is masked:
    nobody outside Identity needs the number itself.
    """

    type: ClassVar[str] = "zhuxue.identity.person.changed.v1"

    sub: UUID
    name: str
    phone_masked: str
    status: Open[AccountStatus]
    unit_id: UUID | None
    unit_path: str | None
    roles: list[Open[Role]]
    version: int


class AccessRevokedV1(EventModel):
    """Tokens issued before `not_before` are to be refused although they have not expired.

    Which tokens: those of the person `sub` and, where given, only those of the session `sid`, of the
    grant `grant_id` or for the audience `audience`; with both `sid` and `grant_id`, those of either.
    `expires_at` is when the last of them has expired anyway.
    """

    type: ClassVar[str] = "zhuxue.identity.access.revoked.v1"

    sub: UUID
    sid: str | None = None
    grant_id: str | None = None
    audience: Open[Audience] | None = None
    not_before: datetime
    expires_at: datetime
    reason: str


class ClientRevokedV1(EventModel):
    """All tokens that came through a client and were issued before `not_before` are to be refused.

    The client is a token's `client_id`, its `grant_client_id`, or stands in its chain of `act`.
    `expires_at` is when the last of them has expired anyway.
    """

    type: ClassVar[str] = "zhuxue.identity.client.revoked.v1"

    client_id: str
    not_before: datetime
    expires_at: datetime
    reason: str


class DirectoryLoadedV1(EventModel):
    """A bulk load of units and people has been committed: rebuild replicas from the snapshot API.

    Stands in for one `unit.changed` per unit, which at 600,000 units would flood the bus.
    """

    type: ClassVar[str] = "zhuxue.identity.directory.loaded.v1"

    load_id: UUID
    units: int
    people: int
