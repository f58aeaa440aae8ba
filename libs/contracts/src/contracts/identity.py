"""Events that Identity publishes."""

from datetime import datetime
from typing import ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from contracts.base import EventModel
from contracts.tasks import TaskDone, TaskOpened, TaskWithdrawn
from contracts.vocabulary import (
    AccountStatus,
    Audience,
    Kind,
    Level,
    Open,
    Permission,
    Role,
    Stage,
    UnitStatus,
)


class UnitPlace(BaseModel):
    """The place of a unit in the authority tree, from `valid_from` (inclusive) to `valid_to` (exclusive), and
    its level, kind and stages at that time; None in messages of earlier releases.
    """

    model_config = ConfigDict(extra="ignore", frozen=True)

    parent_id: UUID | None
    path: str
    status: Open[UnitStatus]
    valid_from: datetime
    valid_to: datetime
    level: Open[Level] | None = None
    kind: Open[Kind] | None = None
    stages: list[Open[Stage]] | None = None


class FormerName(BaseModel):
    """A name that a unit had from `valid_from` (inclusive) to `valid_to` (exclusive)."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    name: str
    valid_from: datetime
    valid_to: datetime


class UnitChangedV1(EventModel):
    """A unit was created or changed. The event has the complete current state and the former places.

    `code` never changes and is never assigned to another unit, even after the unit is closed.
    `version` increases with every change of the unit; a consumer keeps the highest version. `placed_at` is
    the time at which the unit got its current parent, path, status, level, kind and stages; None means
    unknown. `former_places` are sorted by date; the last one ends at `placed_at`. `duty_phone` is the
    landline or service number on which the unit answers (值班电话), never that of a person.
    `merged_into_id` is the unit that continues the work of a closed one. `former_names` are sorted by date.
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
    duty_phone: str | None = None
    address: str | None = None
    merged_into_id: UUID | None = None
    former_names: tuple[FormerName, ...] = ()


class UnitsChangedV1(EventModel):
    """Many units have changed at once, because a unit above them moved: one `unit.changed` for each of them.

    Units are at most 500. For each, a consumer keeps the highest version it has seen, as with `unit.changed`.
    """

    type: ClassVar[str] = "zhuxue.identity.units.changed.v1"

    units: tuple[UnitChangedV1, ...]


class PersonMembership(BaseModel):
    """A unit that a person belongs to, with roles (角色) and posts (职务) there."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    unit_id: UUID
    unit_path: str
    roles: list[Open[Role]]
    posts: list[str] = []


class PersonChangedV1(EventModel):
    """An account or its membership changed. The event has the data that other services need.

    `unit_id`, `unit_path` and `roles` are those of the primary membership, None and empty while the person
    belongs to no unit. `memberships` has all memberships, the primary one first. Paths are those of the time
    of the event: when a unit moves, its people do not change, and the present path is that of the unit. The
    phone number is masked, because other services do not need it.
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
    memberships: tuple[PersonMembership, ...] = ()


class RoleChangedV1(EventModel):
    """A role was defined, changed or retired. The event has what the role allows from now on.

    `permissions` is empty once the role is `retired`. The roles of people do not change with it: what
    somebody may do is what their roles allow now. `version` increases with every change of the role.
    """

    type: ClassVar[str] = "zhuxue.identity.role.changed.v1"

    code: str
    name: str
    permissions: list[Open[Permission]]
    version: int
    retired: bool = False


class HandOverRequestedV1(EventModel):
    """A person leaves or has left a unit: their open work there goes to the successor, or back to the unit.

    A service with such work reassigns it and then publishes that the hand-over is complete. A person who
    leaves by themselves belongs to the unit until then.

    With `successor_unit_id` the unit itself has ended, and the work goes to that unit: in a merger the person
    goes there as well and stays the successor, otherwise `successor` is null. A second event with the same
    `hand_over_id` replaces the target of the first one.
    """

    type: ClassVar[str] = "zhuxue.identity.handover.requested.v1"

    hand_over_id: UUID
    sub: UUID
    unit_id: UUID
    unit_path: str
    successor: UUID | None
    requested_at: datetime
    successor_unit_id: UUID | None = None
    successor_unit_path: str | None = None


class AccessRevokedV1(EventModel):
    """Consumers must reject tokens issued before `not_before` although they have not expired.

    The event applies to tokens of the person `sub`. `sid`, `grant_id` and `audience`, if present, limit it to
    tokens of that session, of that grant, or for that audience; with both `sid` and `grant_id`, to tokens of
    either. After `expires_at` all of these tokens have expired.
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
    """Consumers must reject all tokens issued through a client before `not_before`.

    These are tokens with the client as `client_id`, as `grant_client_id`, or in the `act` chain. After
    `expires_at` all of them have expired.
    """

    type: ClassVar[str] = "zhuxue.identity.client.revoked.v1"

    client_id: str
    not_before: datetime
    expires_at: datetime
    reason: str


class UnitAccessRevokedV1(EventModel):
    """Tokens for acting at a place of the authority tree that no longer exists are to be refused.

    Which tokens: those whose `unit_path` is `path` or below it, issued before `not_before`, which may be some
    seconds ahead. `expires_at` is when the last of them has expired anyway.
    """

    type: ClassVar[str] = "zhuxue.identity.unit.access.revoked.v1"

    path: str
    not_before: datetime
    expires_at: datetime
    reason: str


class WallAllowedV1(EventModel):
    """A person has allowed a wall display to show the views of the cockpit of one unit (RFC 8628).

    `grant_id` is that of its tokens, `approver` the name of the person, who acts for the unit and has the
    entitlement for the cockpit.
    """

    type: ClassVar[str] = "zhuxue.identity.wall.allowed.v1"

    grant_id: UUID
    client_id: str
    sub: UUID
    approver: str
    unit_id: UUID
    name: str
    allowed_at: datetime
    expires_at: datetime


class DirectoryLoadedV1(EventModel):
    """A bulk load of units and people was committed. Consumers must rebuild replicas from the snapshot API.

    Replaces one `unit.changed` per unit, because 600,000 events would overload the bus.
    """

    type: ClassVar[str] = "zhuxue.identity.directory.loaded.v1"

    load_id: UUID
    units: int
    people: int


class TaskOpenedV1(EventModel, TaskOpened):
    """Identity has something for a person or a unit to do, which Office shows."""

    type: ClassVar[str] = "zhuxue.identity.task.opened.v1"


class TaskDoneV1(EventModel, TaskDone):
    """What a task of Identity asked for is done."""

    type: ClassVar[str] = "zhuxue.identity.task.done.v1"


class TaskWithdrawnV1(EventModel, TaskWithdrawn):
    """A task of Identity is not to be done any more."""

    type: ClassVar[str] = "zhuxue.identity.task.withdrawn.v1"
