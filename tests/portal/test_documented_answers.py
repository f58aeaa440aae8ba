"""Whatever browsers ask of the portal, its OpenAPI document describes the answer: never a server error."""

import httpx

from testkit.documented import Headers, judged
from tests.portal.conftest import NewVisitor, Site


async def test_every_answer_is_documented(site: Site, new_visitor: NewVisitor) -> None:
    visitor = new_visitor()
    await visitor.sign_in()
    session = visitor.session_cookie()

    async def signed_in() -> Headers:
        return {"cookie": f"__Host-Http-zhuxue={session}", "x-csrf": "1", "sec-fetch-site": "same-origin"}

    async def nobody() -> Headers:
        return {"x-csrf": "1", "sec-fetch-site": "same-origin"}

    async def elsewhere() -> Headers:
        return {**await signed_in(), "sec-fetch-site": "cross-site"}

    async with httpx.AsyncClient(transport=httpx.ASGITransport(site.portal), base_url=site.url) as http:
        found = await judged(
            site.portal,
            http,
            {"county": signed_in, "nobody": nobody, "another site": elsewhere},
            known={},
            last=("logout",),
        )
    assert not found.faults, "\n".join(found.faults)
