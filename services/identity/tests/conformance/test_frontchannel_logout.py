"""oidcc-frontchannel-rp-initiated-logout-certification-test-plan: one test per module."""

import re
from urllib.parse import parse_qs, urlsplit

from services.identity.tests.support.registering import Register
from testkit.relying_party import RelyingParty

OUT = "http://localhost:8000/out"


async def test_oidcc_frontchannel_logout_discovery_endpoint_verification(rp: RelyingParty) -> None:
    document = await rp.discovery()
    assert document["frontchannel_logout_supported"] is True
    assert document["frontchannel_logout_session_supported"] is True


async def test_oidcc_frontchannel_rp_initiated_logout(rp: RelyingParty, register: Register) -> None:
    await register("framed", frontchannel_logout_uri="https://framed.example:8443/bye?a=1")
    rp.client_id = "framed"
    tokens = await rp.tokens()
    page = await rp.logout(id_token_hint=tokens["id_token"], post_logout_redirect_uri=OUT, state="s")
    assert page.status_code == 200
    assert "已通知以下系统退出" in page.text
    assert "不接收退出通知" not in page.text
    (source,) = re.findall(r'<iframe src="([^"]+)"', page.text)
    query = parse_qs(urlsplit(source.replace("&amp;", "&")).query)
    assert query == {"a": ["1"], "iss": [rp.issuer], "sid": [tokens["claims"]["sid"]]}
    policy = page.headers["content-security-policy"]
    assert policy.endswith("frame-src https://framed.example:8443")
    assert "script-src" not in policy
    assert f"url={OUT}?state=s" in page.text
    assert not await rp.signed_in()
