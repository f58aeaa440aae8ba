"""Identity numbers for tests, and changes of phone numbers through the REST API."""

from typing import Any

import httpx

from identity.verification.rules import check_character
from services.identity.tests.support.running_identity import Browser


def id_number(sequence: int = 123, birthday: str = "19900307", division: str = "370102") -> str:
    """A valid number; the sandbox reads the sequence: 999 is a mismatch, 998 no answer."""
    first = f"{division}{birthday}{sequence:03d}"
    return first + check_character(first)


async def verify(browser: Browser, headers: dict[str, str], number: str, **more: Any) -> httpx.Response:
    """Verify the real name of whom the headers belong to."""
    body = {"id_number": number, "consent": True} | more
    return await browser.http.post("/api/v1/me/real-name", headers=headers, json=body)


async def phone_code(browser: Browser, headers: dict[str, str], phone: str | None) -> httpx.Response:
    """Ask for a code to change the number, at the new number or at the current one."""
    body = {} if phone is None else {"phone": phone}
    if browser.ticket is not None:
        body["ticket"] = browser.ticket
    answer = await browser.http.post("/api/v1/me/phone/codes", headers=headers, json=body)
    if answer.status_code == 202:
        browser.ticket = answer.json()["ticket"]
    return answer
