"""Credentials that are no text are refused as credentials (RFC 6749 §5.2), never with a 500."""

import base64

import pytest

from services.identity.tests.support.running_identity import NewBrowser
from testkit.clients import AssertionKeys

pytestmark = pytest.mark.usefixtures("clients")
FORM = {"grant_type": "client_credentials", "token": "x"}
ENDPOINTS = ["/token", "/revoke", "/introspect", "/par", "/device_authorization"]


@pytest.mark.parametrize("path", ENDPOINTS)
async def test_basic_credentials_that_are_not_utf8_are_invalid_client(
    new_browser: NewBrowser, path: str
) -> None:
    # Base64 of FF FE 3A F3.
    answer = await new_browser().http.post(
        path,
        data=FORM,
        headers={"Authorization": "Basic //46Yw=="},
    )
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize("sub", [r"\ud800", r"\u0000"])
async def test_an_assertion_whose_subject_is_no_text_is_invalid_client(
    new_browser: NewBrowser, keys: AssertionKeys, path: str, sub: str
) -> None:
    auth = keys.auth("jwt")
    header, _, signature = auth["client_assertion"].split(".")
    claims = base64.urlsafe_b64encode(f'{{"sub": "{sub}"}}'.encode()).rstrip(b"=").decode()
    auth["client_assertion"] = f"{header}.{claims}.{signature}"
    answer = await new_browser().http.post(path, data=FORM | auth)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
