"""The device flow asks of the person what the client's registration asks for (`default_acr_values`,
`default_max_age`: OpenID Connect Dynamic Client Registration §2): its request has no parameters for that.
"""

from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from authkit import acr
from services.identity.tests.support.authenticators import Person
from services.identity.tests.support.shapes import JsonObject

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"


@dataclass
class Wall:
    """A device, and what its person does with the code."""

    person: Person
    codes: dict[str, str] = field(default_factory=dict)

    @property
    def back(self) -> str:
        return f"/device?user_code={self.codes['user_code']}"

    async def begin(self, **asks: object) -> None:
        sets = ", ".join(f"{name} = :{name}" for name in asks)
        await self.person.run(
            f"UPDATE clients SET {sets}, grant_types = grant_types || :device WHERE client_id = 'portal'",
            device=[DEVICE_CODE],
            **asks,
        )
        form = {"client_id": "portal", "scope": "openid"}
        self.codes = (await self.person.http.post("/device_authorization", data=form)).json()

    async def decide(self, decision: str) -> httpx.Response:
        page = await self.person.send(
            await self.person.page(self.back), "/device", user_code=self.codes["user_code"]
        )
        return await self.person.send(page, "/device/decision", decision=decision)

    async def poll(self) -> JsonObject:
        form = {
            "grant_type": DEVICE_CODE,
            "client_id": "portal",
            "device_code": self.codes["device_code"],
        }
        self.person.clock.advance(timedelta(seconds=6))
        return dict((await self.person.http.post("/token", data=form)).json())


@pytest.fixture
def wall(person: Person) -> Wall:
    return Wall(person)


async def test_default_acr_values_are_reached_before_a_device_is_let_in(person: Person, wall: Wall) -> None:
    await person.add_totp()
    await person.sign_in()
    await wall.begin(default_acr_values=[acr.MFA])
    sent = urlsplit((await wall.decide("allow")).headers["location"])
    assert (sent.path, parse_qs(sent.query)) == (
        "/login/step-up",
        {"return_to": [wall.back], "acr": [acr.MFA]},
    )
    assert (await wall.poll())["error"] == "authorization_pending"
    page = await person.page(sent.geturl())
    answer = await person.send(page, "/login/step-up/code", code=person.recovery_codes[0])
    assert answer.headers["location"] == wall.back
    assert "设备已获授权" in (await wall.decide("allow")).text
    assert "access_token" in await wall.poll()
    given = "SELECT acr FROM grants WHERE id IN (SELECT grant_id FROM device_codes)"
    assert (await person.run(given)).scalar_one() == acr.MFA


@pytest.mark.parametrize("max_age", [0, 60])
async def test_default_max_age_asks_to_sign_in_after_the_device_has_asked(
    person: Person, wall: Wall, max_age: int
) -> None:
    person.clock.advance(timedelta(seconds=61))
    await wall.begin(default_max_age=max_age)
    sent = urlsplit((await wall.decide("allow")).headers["location"])
    assert (sent.path, parse_qs(sent.query)) == ("/login", {"return_to": [wall.back]})
    person.clock.advance(timedelta(seconds=61))
    await person.sign_in(wall.back)
    # As at /authorize, it stands for the request however long the person looks at the page.
    person.clock.advance(timedelta(seconds=61))
    assert "设备已获授权" in (await wall.decide("allow")).text
    assert "access_token" in await wall.poll()


async def test_a_recent_sign_in_is_enough_for_default_max_age(person: Person, wall: Wall) -> None:
    person.clock.advance(timedelta(seconds=60))
    await wall.begin(default_max_age=60)
    assert "设备已获授权" in (await wall.decide("allow")).text


async def test_to_say_no_nobody_has_to_authenticate_further(person: Person, wall: Wall) -> None:
    person.clock.advance(timedelta(seconds=1))
    await wall.begin(default_acr_values=[acr.MFA], default_max_age=0)
    assert "已拒绝" in (await wall.decide("deny")).text
    assert (await wall.poll())["error"] == "access_denied"
