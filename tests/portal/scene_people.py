"""Who acts in the scenes: the offices of 山东 and 济南, newcomers, and the administrators of the platform."""

from typing import Any

from contracts.vocabulary import PlatformRole, Role
from identity.cli_platform import appoint
from services.identity.tests.support.running_identity import agreed_to
from testkit.waiting import moments

from .conftest import NewVisitor, Site, Visitor
from .support import phone_of

CENTRE, PROVINCE, CITY = "100000", "370000", "370100"
COUNTIES = ("370102", "370103", "370104", "370105", "370112", "370113")
PLATFORM = {
    PlatformRole.SECURITY_ADMIN: ("13911110002", "卫宁"),
    PlatformRole.AUDIT_ADMIN: ("13911110003", "沈鉴"),
    PlatformRole.SYSTEM_ADMIN: ("13911110001", "程维"),
}
"""Phone and name; they belong to no unit."""


async def call(person: Visitor, method: str, path: str, **more: Any) -> Any:
    """What a service answers to somebody's call through the portal, which must succeed."""
    answer = await person.call(method, path, **more)
    assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
    return answer.json() if answer.content else None


async def until(person: Visitor, path: str, *statuses: str) -> None:
    """Wait until what is at `path` has one of these statuses."""
    found = ""
    async for _ in moments(pause=0.2):
        found = (await call(person, "GET", path))["status"]
        if found in statuses:
            return
    raise AssertionError(f"{path} is {found}")


async def register(visitor: Visitor, phone: str, name: str) -> Visitor:
    """Make an account by phone."""
    site, base = visitor.site, f"{visitor.site.identity_url}/api/v1"
    asked = {"phone": phone, "purpose": "register"}
    sent = (await visitor.send("POST", f"{base}/sms-codes", json=asked)).json()
    account = {"phone": phone, "ticket": sent["ticket"], "code": await site.last_code(phone), "name": name}
    answer = await visitor.send(
        "POST", f"{base}/accounts", json={**account, "agreed": agreed_to(site.identity)}
    )
    assert answer.status_code == 201, answer.text
    return visitor


async def appointed(site: Site, new_visitor: NewVisitor) -> None:
    """Register and appoint the administrators of the platform."""
    for role, (phone, name) in PLATFORM.items():
        await register(new_visitor(), phone, name)
        await appoint(site.identity.state.settings, role, phone)


class Cast:
    """People who are signed in, each with a browser."""

    def __init__(self, site: Site, new_visitor: NewVisitor) -> None:
        self.site = site
        self.new_visitor = new_visitor
        self._by_phone: dict[str, Visitor] = {}

    async def of(self, unit_code: str, role: Role = Role.APPROVER) -> Visitor:
        """The first person with a role in a unit."""
        return await self.by_phone(phone_of(unit_code, role))

    async def by_phone(self, phone: str) -> Visitor:
        """The person with a phone number."""
        if phone not in self._by_phone:
            person = self.new_visitor()
            answer = await person.sign_in(phone)
            assert answer.is_redirect, answer.text
            self._by_phone[phone] = person
        return self._by_phone[phone]

    async def newcomer(self, phone: str, name: str) -> Visitor:
        """Somebody who has just registered."""
        await register(self.new_visitor(), phone, name)
        return await self.by_phone(phone)

    async def me(self, person: Visitor) -> Any:
        """What Identity knows about somebody."""
        return await call(person, "GET", "/api/identity/v1/me")
