"""The gateway that passes on text messages from phones."""

import json
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import httpx

from identity.codes import rules
from identity.inbound.rules import signature
from services.identity.tests.support.running_identity import Browser
from testkit.clock import FrozenClock

SECRET = "i" * 32


@dataclass
class Gateway:
    """Signs as the operator's gateway does."""

    http: httpx.AsyncClient
    clock: FrozenClock
    _ids: Any = field(default_factory=count)

    async def passes_on(
        self,
        phone: str,
        text: str,
        *,
        message: str | None = None,
        secret: str = SECRET,
        age: float = 0,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        """A text message from a phone, signed `age` seconds ago."""
        name = f"m-{next(self._ids)}" if message is None else message
        body = json.dumps({"id": name, "phone": phone, "text": text}).encode()
        at = str(int(self.clock.now().timestamp() - age))
        signed = {"X-Timestamp": at, "X-Signature": signature(secret, at, body)}
        content = {"Content-Type": "application/json"}
        return await self.http.post(
            "/sms/inbound", content=body, headers=content | (signed if headers is None else headers)
        )


async def challenge(browser: Browser, phone: str, purpose: str = "register") -> dict[str, Any]:
    """What a browser is told to send."""
    mine = {} if browser.ticket is None else {"ticket": browser.ticket}
    answer = await browser.http.post(
        "/api/v1/text-challenges", json={"phone": phone, "purpose": purpose} | mine
    )
    assert answer.status_code == 201, answer.text
    asked: dict[str, Any] = answer.json()
    browser.ticket = asked["ticket"]
    return asked


async def state_of(browser: Browser, asked: dict[str, Any]) -> str:
    """What the browser is told while it waits."""
    answer = await browser.http.get(f"/api/v1/text-challenges/{asked['id']}")
    return str(answer.json().get("state", answer.json().get("code")))


def digits_of(page: str) -> str:
    """What a page says that the person should send."""
    found = rules.challenge_in(page.split("编辑短信")[1].split("发送到")[0])
    assert found is not None
    return found
