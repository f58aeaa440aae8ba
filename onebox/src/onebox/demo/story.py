"""Common state and helpers of the demo's steps."""

import random
from dataclasses import dataclass, field

from identity.units import worlds
from identity.units.rules import PersonSeed, UnitSeed
from onebox.demo.people import Failed, Person, System, expect

COUNTY, SIBLING, WITHHOLDING, SCHOOL = "370102", "370103", "370104", "S3701020001"
CITY, CENTRE = "370100", "100000"


@dataclass
class Story:
    """The state that the steps share."""

    system: System
    staff: dict[str, list[PersonSeed]] = field(default_factory=dict)
    units: dict[str, UnitSeed] = field(default_factory=dict)
    teacher: Person | None = None
    teacher_sub: str = ""
    first_token: str = ""

    def __post_init__(self) -> None:
        """Load the list of demo people."""
        self.units = {unit.code: unit for unit in worlds.world_s()}
        for person in [*worlds.centre_staff(), *worlds.world_s_people()]:
            self.staff.setdefault(person.unit_code, []).append(person)

    def person(self, unit_code: str, number: int = 0) -> Person:
        """The unit's administrator (0), handler (1) or, in the centre, reviewer (2)."""
        return Person(self.system, self.staff[unit_code][number].phone)


def need(condition: bool, what: str) -> None:
    """Raise `Failed` if the condition is false."""
    if not condition:
        raise Failed(what)


async def unit_id(person: Person, code: str) -> str:
    """Return the id of a unit by its code."""
    return str(expect(await person.identity("GET", f"/units/by-code/{code}"))["id"])


async def register(story: Story, name: str) -> Person:
    """A new person registers by phone."""
    phone = f"138{random.randrange(10**8):08d}"
    newcomer = Person(story.system, phone)
    base = f"{story.system.identity}/api/v1"
    asked = {"phone": phone, "purpose": "register"}
    sent = expect(await newcomer.http.post(f"{base}/sms-codes", json=asked), 202)
    code = await newcomer.last_code()
    agreed = {
        kind: expect(await newcomer.http.get(f"{base}/policies/{kind}"))["version"]
        for kind in ("privacy_policy", "terms")
    }
    account = {"phone": phone, "ticket": sent["ticket"], "code": code, "name": name, "agreed": agreed}
    expect(await newcomer.http.post(f"{base}/accounts", json=account), 201)
    return newcomer


async def join(story: Story, admin: Person, unit: str, role: str, name: str) -> tuple[Person, str]:
    """A new person registers by phone and asks to join by invite; returns them and the request's id."""
    newcomer = await register(story, name)
    invite = expect(await admin.identity("POST", f"/units/{unit}/invites", json={"roles": [role]}), 201)
    request = expect(
        await newcomer.identity("POST", "/join-requests", json={"invite_code": invite["code"]}), 201
    )
    return newcomer, str(request["id"])
