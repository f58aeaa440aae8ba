"""A reference model of units and their people, as simple as possible: no database, no services.

It says who may do what, and what an action that has succeeded has changed. The rules of one subject, such as
delegations, are in the file that drives it; here is what several of them share.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import NamedTuple

Sub = str
UnitId = str

ADMIN = "unit_admin"
RANKS = {"ministry": 0, "province": 1, "city": 2, "county": 3, "school": 4}
COCKPIT_RANKS = {0, 1, 2, 3}


@dataclass
class Unit:
    """A unit; closed ones are kept."""

    code: str
    parent: UnitId | None
    level: str
    kind: str
    region: str | None
    open: bool = True

    @property
    def eligible(self) -> bool:
        """Whether its people may enter the cockpit."""
        return self.kind == "student_aid" and RANKS[self.level] in COCKPIT_RANKS


class Place(NamedTuple):
    """What the tree of a day says about a unit."""

    parent: UnitId | None
    region: str | None
    open: bool


@dataclass(eq=False)
class Member:
    """A person in a unit. Members of a person are in the order in which they joined."""

    sub: Sub
    unit: UnitId
    roles: set[str]
    primary: bool
    leaving: bool = False


@dataclass
class Request:
    """A pending request to join a unit; `leaves` is the membership that a transfer ends."""

    sub: Sub
    unit: UnitId
    roles: set[str]
    until: datetime
    leaves: Member | None = None
    by: Sub | None = None


@dataclass
class Delegation:
    """Roles that one member passes on to another one of the unit."""

    giver: Member
    taker: Member
    roles: set[str]
    starts: datetime
    ends: datetime
    revoked: bool = False


@dataclass
class Entitlement:
    """The cockpit for a person who acts for a unit."""

    sub: Sub
    unit: UnitId
    ends: datetime


@dataclass
class Wish:
    """A request for an entitlement that is pending until somebody decides, or a time."""

    sub: Sub
    unit: UnitId
    by: Sub
    until: datetime


@dataclass
class Proposal:
    """A pending proposal about an administrator of the platform; `role` is None to dismiss one."""

    sub: Sub
    role: str | None
    by: Sub
    by_role: str


@dataclass
class Invite:
    """A code to ask with, for some uses until a time."""

    unit: UnitId
    roles: set[str]
    code: str
    ends: datetime
    left: int
    revoked: bool = False


class Powers(NamedTuple):
    """What a role allows, and what its holders may pass on in addition."""

    permissions: frozenset[str]
    may_grant: frozenset[str]


@dataclass
class RoleChange:
    """A pending proposal of what a role is to allow."""

    code: str
    powers: Powers
    by: Sub
    by_role: str
    new: bool


class Token(NamedTuple):
    """What a new token of a person says."""

    active: bool
    unit: UnitId | None
    roles: frozenset[str]
    permissions: frozenset[str]
    entitlements: frozenset[str]
    platform_role: str | None


@dataclass
class Model:
    """The whole state."""

    units: dict[UnitId, Unit]
    powers: dict[str, Powers]
    """The roles in use; a retired one gives nothing."""
    platform_powers: Mapping[str, frozenset[str]]
    now: datetime
    members: list[Member] = field(default_factory=list)
    requests: dict[str, Request] = field(default_factory=dict)
    suspended: dict[Sub, tuple[UnitId, ...]] = field(default_factory=dict)
    """Who is suspended, and the place of the unit whose administrator did it; () for the platform's."""
    chosen: dict[Sub, Member] = field(default_factory=dict)
    """The membership that a person has chosen to act for in this browser session."""
    delegations: dict[str, Delegation] = field(default_factory=dict)
    entitlements: dict[str, Entitlement] = field(default_factory=dict)
    wishes: dict[str, Wish] = field(default_factory=dict)
    platform: dict[Sub, str] = field(default_factory=dict)
    role_changes: dict[str, RoleChange] = field(default_factory=dict)
    retired_roles: set[str] = field(default_factory=set)
    proposals: dict[str, Proposal] = field(default_factory=dict)
    invites: dict[str, Invite] = field(default_factory=dict)
    recoveries: dict[str, Sub] = field(default_factory=dict)
    """Who waits for an administrator to give them their account back."""
    days: dict[date, dict[UnitId, Place]] = field(default_factory=dict)

    # --- the tree ---

    def above(self, unit: UnitId) -> list[UnitId]:
        """The unit and all above it, upwards."""
        found: list[UnitId] = []
        here: UnitId | None = unit
        while here is not None:
            found.append(here)
            here = self.units[here].parent
        return found

    def chain(self, unit: UnitId) -> tuple[UnitId, ...]:
        """The place of a unit: all above it and itself, downwards."""
        return tuple(reversed(self.above(unit)))

    def is_under(self, unit: UnitId, top: UnitId) -> bool:
        return top in self.above(unit)

    def children(self, unit: UnitId) -> list[UnitId]:
        return [one for one, of in self.units.items() if of.parent == unit and of.open]

    def may_stand_below(self, parent: UnitId, level: str, kind: str) -> bool:
        least = 0 if kind == "nutrition" else 1
        return RANKS[level] - RANKS[self.units[parent].level] >= least

    def keep_day(self, day: date) -> None:
        """Keep the tree as that of a day."""
        self.days[day] = {one: Place(of.parent, of.region, of.open) for one, of in self.units.items()}

    # --- people and what they may do ---

    def member(self, sub: Sub, unit: UnitId) -> Member | None:
        return next((one for one in self.members if (one.sub, one.unit) == (sub, unit)), None)

    def of(self, sub: Sub) -> list[Member]:
        return [one for one in self.members if one.sub == sub]

    def primary(self, sub: Sub) -> UnitId | None:
        return next((one.unit for one in self.of(sub) if one.primary), None)

    def active(self, sub: Sub) -> bool:
        return sub not in self.suspended

    def acting(self, sub: Sub) -> Member | None:
        """The membership that a person acts for."""
        chosen = self.chosen.get(sub)
        if chosen in self.members:
            return chosen
        return next((one for one in self.of(sub) if one.primary), None)

    def in_force(self, one: Delegation) -> bool:
        return (
            not one.revoked
            and one.starts <= self.now < one.ends
            and one.giver in self.members
            and self.active(one.giver.sub)
        )

    def effective_roles(self, member: Member) -> frozenset[str]:
        """Their own roles, and those that others have delegated and still hold."""
        passed = [
            one.roles & one.giver.roles
            for one in self.delegations.values()
            if one.taker is member and self.in_force(one)
        ]
        return frozenset(member.roles.union(*passed))

    def permissions_of(self, roles: Collection[str]) -> frozenset[str]:
        return frozenset().union(*(self.powers[role].permissions for role in roles if role in self.powers))

    def may(self, sub: Sub, permission: str) -> bool:
        """Whether a person has a permission in the acting unit, or for the platform."""
        return permission in self.token(sub).permissions

    def reaches(self, sub: Sub, unit: UnitId) -> bool:
        acting = self.acting(sub)
        return acting is not None and self.is_under(unit, acting.unit)

    def manages(self, sub: Sub, permission: str, unit: UnitId | None) -> bool:
        """Whether a person may do something in a unit of their subtree."""
        return (
            unit is not None
            and self.acting(sub) is not None
            and self.may(sub, permission)
            and self.reaches(sub, unit)
        )

    def is_above(self, sub: Sub, unit: UnitId) -> bool:
        """Whether a person acts for a unit above another one, not for that one itself."""
        acting = self.acting(sub)
        return acting is not None and acting.unit in self.above(unit)[1:]

    def grants(self, sub: Sub, roles: Collection[str]) -> bool:
        """Whether a person may grant all these roles: they hold or may pass on everything in them."""
        acting = self.acting(sub)
        if acting is None or not set(roles) <= self.powers.keys():
            return False
        own = self.effective_roles(acting) & self.powers.keys()
        passed = self.permissions_of(own).union(*(self.powers[role].may_grant for role in own))
        return self.permissions_of(roles) <= passed

    def administrators(self, unit: UnitId) -> list[Sub]:
        """Who administers a unit and can sign in."""
        return [
            one.sub
            for one in self.members
            if one.unit == unit and ADMIN in one.roles and self.active(one.sub)
        ]

    def staying(self, unit: UnitId, besides: Sub) -> list[Sub]:
        """The administrators of a unit who are not about to leave, besides one person."""
        return [
            one.sub
            for one in self.members
            if one.unit == unit
            and ADMIN in one.roles
            and self.active(one.sub)
            and not one.leaving
            and one.sub != besides
        ]

    def may_lose(self, member: Member, by: Sub | None) -> bool:
        """Whether a unit may lose this member as its administrator: another one stays, or from above."""
        return (
            ADMIN not in member.roles
            or (by is not None and self.is_above(by, member.unit))
            or bool(self.staying(member.unit, member.sub))
        )

    def may_be_suspended(self, sub: Sub) -> bool:
        """Whether the top of the tree keeps an administrator without a person."""
        return all(
            ADMIN not in one.roles or self.units[one.unit].parent is not None or self.staying(one.unit, sub)
            for one in self.of(sub)
        )

    def token(self, sub: Sub) -> Token:
        role = self.platform.get(sub)
        acting = None if role else self.acting(sub)
        roles = frozenset[str]() if acting is None else self.effective_roles(acting)
        entitled = {
            "cockpit"
            for one in self.entitlements.values()
            if acting is not None and (one.sub, one.unit) == (sub, acting.unit) and one.ends > self.now
        }
        return Token(
            self.active(sub),
            None if acting is None else acting.unit,
            roles,
            self.permissions_of(roles) | (self.platform_powers[role] if role else frozenset()),
            frozenset(entitled),
            role,
        )

    def may_belong(self, sub: Sub) -> bool:
        """Whether a person may belong to a unit: an administrator of the platform has none (三员分立)."""
        return sub not in self.platform

    def is_free(self, sub: Sub) -> bool:
        """Whether a person belongs to no unit and has not asked to join one."""
        return not self.of(sub) and all(one.sub != sub for one in self.requests.values())

    # --- what an action changes ---

    def join(self, sub: Sub, unit: UnitId, roles: set[str]) -> None:
        self.members.append(Member(sub, unit, set(roles), primary=not self.of(sub)))

    def end(self, member: Member) -> None:
        self.members.remove(member)
        others = self.of(member.sub)
        if member.primary and others:
            others[0].primary = True

    def leave(self, member: Member) -> None:
        """End a membership with what depends on it."""
        self.lose_entitlements(member.sub, member.unit)
        for one in self.delegations.values():
            if member in (one.giver, one.taker) and one.ends > self.now:
                one.revoked = True
        self.end(member)

    def lose_entitlements(self, sub: Sub, unit: UnitId) -> None:
        for held in (self.entitlements, self.wishes):
            for key in [key for key, one in held.items() if (one.sub, one.unit) == (sub, unit)]:
                del held[key]

    def move(self, unit: UnitId, parent: UnitId) -> None:
        former = self.chain(unit)
        self.units[unit].parent = parent
        self._suspensions_follow(former, self.chain(unit))

    def close(self, unit: UnitId) -> None:
        self.units[unit].open = False
        for one in [one for one in self.members if one.unit == unit]:
            self.lose_entitlements(one.sub, unit)
            self.end(one)
        self._reject_all(unit)

    def merge(self, unit: UnitId, into: UnitId) -> None:
        former = self.chain(unit)
        for child in self.children(unit):
            self.units[child].parent = into
        for one in sorted((one for one in self.members if one.unit == unit), key=lambda one: one.sub):
            there = self.member(one.sub, into)
            if there is None:
                there = Member(one.sub, into, set(one.roles), primary=False)
                self.members.append(there)
            else:
                there.roles |= one.roles
            if one.primary:
                one.primary, there.primary = False, True
            if self.units[into].eligible:
                self._entitlements_follow(one.sub, unit, into)
            else:
                self.lose_entitlements(one.sub, unit)
            self.end(one)
        self.units[unit].open = False
        self._reject_all(unit)
        self._suspensions_follow(former, self.chain(into))

    def _entitlements_follow(self, sub: Sub, unit: UnitId, into: UnitId) -> None:
        for held in self.entitlements.values():
            if (held.sub, held.unit) == (sub, unit):
                held.unit = into
        for wish in self.wishes.values():
            if (wish.sub, wish.unit) == (sub, unit):
                wish.unit = into

    def _suspensions_follow(self, former: tuple[UnitId, ...], present: tuple[UnitId, ...]) -> None:
        for sub, place in self.suspended.items():
            if place[: len(former)] == former:
                self.suspended[sub] = present + place[len(former) :]

    def _reject_all(self, unit: UnitId) -> None:
        for key in [key for key, one in self.requests.items() if one.unit == unit]:
            del self.requests[key]
