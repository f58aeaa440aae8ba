"""The Python example of `docs/integration.md`, run as it stands there."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from authlib.integrations.base_client import OAuthError
from authlib.oauth2.rfc6749 import MismatchingStateException
from fastapi import FastAPI
from joserfc.errors import InvalidClaimError

from services.identity.tests.support.running_identity import Browser, NewBrowser
from services.identity.tests.support.shapes import JsonObject

ISSUER = "http://localhost:8001"
CALLBACK = "http://localhost:3000/callback"
GUIDE = Path(__file__).parents[3] / "docs" / "integration.md"
COUNTY_ADMIN = "19900001323"


@pytest.fixture
async def example(app: FastAPI, new_browser: NewBrowser, monkeypatch: pytest.MonkeyPatch) -> JsonObject:
    """The example's names, set up for a client that an administrator has just registered."""
    admin = new_browser()
    bearer = await admin.bearer(COUNTY_ADMIN)
    unit = (await admin.http.get("/api/v1/me", headers=bearer)).json()["unit_id"]
    body = {"client_name": "奖助系统", "owner_unit_id": unit, "redirect_uris": [CALLBACK]}
    client = (await admin.http.post("/api/v1/clients", json=body, headers=bearer)).json()
    for name, value in (
        ("ISSUER", ISSUER),
        ("CLIENT_ID", client["client_id"]),
        ("CLIENT_SECRET", client["client_secret"]),
        ("REDIRECT_URI", CALLBACK),
    ):
        monkeypatch.setenv(name, value)
    (code,) = re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    names: JsonObject = {}
    exec(compile(code, str(GUIDE), "exec"), names)
    names["HTTP"]["transport"] = httpx.ASGITransport(app=app)
    return names


async def callback_of(browser: Browser, url: str) -> str:
    """A person signs in at `url`; the address the browser is sent back to."""
    parts = urlsplit(url)
    answer = await browser.sign_in("19900001324", f"{parts.path}?{parts.query}")
    answer = await browser.consented(await browser.http.get(answer.headers["location"]))
    return str(answer.headers["location"])


async def test_the_python_example_signs_a_person_in(example: JsonObject, new_browser: NewBrowser) -> None:
    url, kept = await example["begin"]()
    claims = await example["finish"](await callback_of(new_browser(), url), kept)
    assert claims["iss"] == ISSUER
    assert claims["name"]


@pytest.mark.parametrize(
    ("name", "refusal"),
    [("state", MismatchingStateException), ("nonce", InvalidClaimError), ("verifier", OAuthError)],
)
async def test_the_python_example_trusts_no_other_browser_s_answer(
    example: JsonObject, new_browser: NewBrowser, name: str, refusal: type[Exception]
) -> None:
    url, kept = await example["begin"]()
    callback = await callback_of(new_browser(), url)
    with pytest.raises(refusal):
        await example["finish"](callback, kept | {name: "x" * 48})


@pytest.mark.parametrize("iss", [None, "http://localhost:8002", "http://localhost:8001/"])
async def test_rfc9207_the_python_example_takes_no_answer_of_another_issuer(
    example: JsonObject, new_browser: NewBrowser, iss: str | None
) -> None:
    url, kept = await example["begin"]()
    callback = httpx.URL(await callback_of(new_browser(), url))
    mixed_up = callback.copy_remove_param("iss")
    if iss is not None:
        mixed_up = mixed_up.copy_set_param("iss", iss)
    with pytest.raises(ValueError, match="not from this issuer"):
        await example["finish"](str(mixed_up), kept)
    # The code has not been sent anywhere.
    assert await example["finish"](str(callback), kept)
