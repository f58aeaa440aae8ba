"""OAuth 2.0 Form Post Response Mode 1.0: the page itself.

The modules of oidcc-formpost-basic-certification-test-plan are those of the Basic plan: test_basic.py runs
each in both modes.
"""

import base64
import re
from collections.abc import Callable
from hashlib import sha256

from testkit.relying_party import RelyingParty


async def test_the_answer_is_a_form_that_posts_itself_and_works_without_javascript(
    rp: RelyingParty, form_fields: Callable[[str], dict[str, str]]
) -> None:
    answer = await rp.follow(await rp.http.get(rp.url(response_mode="form_post", state='a"><b>&')))
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert 'action="http://localhost:8000/callback"' in answer.text
    assert "<button" in answer.text
    sent = form_fields(answer.text)
    assert (sent["state"], sent["iss"]) == ('a"><b>&', rp.issuer)
    assert (await rp.redeem(sent["code"])).status_code == 200
    (script,) = re.findall(r"<script>(.*?)</script>", answer.text)
    policy = answer.headers["content-security-policy"]
    allowed = base64.b64encode(sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{allowed}'" in policy
    assert "form-action 'self' http://localhost:8000;" in policy


async def test_an_error_is_posted_too(rp: RelyingParty, form_fields: Callable[[str], dict[str, str]]) -> None:
    answer = await rp.http.get(rp.url(response_mode="form_post", prompt="none"))
    sent = form_fields(answer.text)
    assert (sent["error"], sent["state"]) == ("login_required", "st")
    assert "code" not in sent


async def test_another_response_mode_is_refused(rp: RelyingParty) -> None:
    assert (await rp.authorize(response_mode="fragment"))["error"] == "invalid_request"


async def test_a_redirect_uri_that_is_not_trusted_is_never_posted_to(rp: RelyingParty) -> None:
    answer = await rp.http.get(rp.url(response_mode="form_post", redirect_uri="http://evil.example/"))
    assert answer.status_code == 400
    assert "<form" not in answer.text
