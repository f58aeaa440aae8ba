"""A reference model of units and their people, as simple as possible: no database, no services.

It says who may do what, and what an action that has succeeded has changed.
"""

from dataclasses import dataclass, field

Sub = str
UnitId = str

ADMIN = "unit_admin"
ROLES = ("unit_admin", "handler", "reviewer", "approver")


@dataclass
class Member:
    """A person in a unit. Members of a person are in the order in which they joined."""

    sub: Sub
    unit: UnitId
    roles: set[str]
    primary: bool


@dataclass
class Request:
    """A pending request to join a unit; `leaves` is the unit that a transfer ends."""

    sub: Sub
    unit: UnitId
    roles: set[str]
    leaves: UnitId | None = None


@dataclass
class Model:
    """The whole state."""

    parent: dict[UnitId, UnitId | None]
    closed: set[UnitId] = field(default_factory=set)
    members: list[Member] = field(default_factory=list)
    requests: dict[str, Request] = field(default_factory=dict)
    suspended: dict[Sub, UnitId] = field(default_factory=dict)
    """Who is suspended, and the unit whose administrator did it."""
    leaving: set[tuple[Sub, UnitId]] = field(default_factory=set)

    # --- who reaches what ---

    def above(self, unit: UnitId) -> list[UnitId]:
        """The unit and all above it, upwards."""
        found: list[UnitId] = []
        here: UnitId | None = unit
        while here is not None:
            found.append(here)
            here = self.parent[here]
        return found

    def reaches(self, actor: UnitId, unit: UnitId) -> bool:
        return actor in self.above(unit)

    def member(self, sub: Sub, unit: UnitId) -> Member | None:
        return next((one for one in self.members if (one.sub, one.unit) == (sub, unit)), None)

    def of(self, sub: Sub) -> list[Member]:
        return [one for one in self.members if one.sub == sub]

    def primary(self, sub: Sub) -> UnitId | None:
        return next((one.unit for one in self.of(sub) if one.primary), None)

    def administers(self, sub: Sub, acting: UnitId, unit: UnitId) -> bool:
        """Whether a person who acts for a unit may manage another one and its people."""
        member = self.member(sub, acting)
        return member is not None and ADMIN in member.roles and self.reaches(acting, unit)

    def administrators(self, unit: UnitId) -> list[Sub]:
        return [
            one.sub
            for one in self.members
            if one.unit == unit and ADMIN in one.roles and one.sub not in self.suspended
        ]

    # --- what an action changes ---

    def join(self, sub: Sub, unit: UnitId, roles: set[str]) -> None:
        self.members.append(Member(sub, unit, set(roles), primary=not self.of(sub)))

    def end(self, sub: Sub, unit: UnitId) -> None:
        member = self.member(sub, unit)
        assert member is not None
        self.members.remove(member)
        self.leaving.discard((sub, unit))
        others = self.of(sub)
        if member.primary and others:
            others[0].primary = True

    def approve(self, request_id: str) -> None:
        request = self.requests.pop(request_id)
        self.join(request.sub, request.unit, request.roles)
        if request.leaves is not None:
            self.end(request.sub, request.leaves)

    def close(self, unit: UnitId) -> None:
        self.closed.add(unit)
        for one in [one for one in self.members if one.unit == unit]:
            self.end(one.sub, unit)
        self._reject_all(unit)

    def merge(self, unit: UnitId, into: UnitId) -> None:
        for child, parent in self.parent.items():
            if parent == unit and child not in self.closed:
                self.parent[child] = into
        for one in [one for one in self.members if one.unit == unit]:
            there = self.member(one.sub, into)
            if there is None:
                there = Member(one.sub, into, set(one.roles), primary=False)
                self.members.append(there)
            else:
                there.roles |= one.roles
            if one.primary:
                one.primary, there.primary = False, True
            self.end(one.sub, unit)
        self.closed.add(unit)
        self._reject_all(unit)
        for sub, by in self.suspended.items():
            if by == unit:
                self.suspended[sub] = into

    def _reject_all(self, unit: UnitId) -> None:
        for request_id in [key for key, one in self.requests.items() if one.unit == unit]:
            del self.requests[request_id]
