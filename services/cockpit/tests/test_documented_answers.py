"""Whatever people ask of Cockpit, its OpenAPI document describes the answer, and none is a server error."""

from uuid import uuid4

from authkit import acr
from services.cockpit.tests.support.running_cockpit import Cockpit, award, csv_of
from testkit.documented import Caller, Headers, judged


async def test_every_answer_is_documented(cockpit: Cockpit) -> None:
    taken = await cockpit.upload("award", "county", csv_of([award() for _ in range(3)]))
    assert taken.status_code == 201, taken.text

    def caller(who: str, *roles: str, entitled: bool = True) -> Caller:
        sub = str(uuid4())
        entitlements = ["cockpit"] if entitled else []

        async def headers() -> Headers:
            claims = {"sub": sub, "roles": list(roles), "entitlements": entitlements, "acr": acr.MFA}
            return cockpit.bearer(who, **claims)

        return headers

    async def nobody() -> Headers:
        return {}

    units = [str(cockpit.world[who].id) for who in ("county", "school", "city")]
    found = await judged(
        cockpit.app,
        cockpit.http,
        {
            "centre": caller("centre", "handler", "unit_admin"),
            "county": caller("county", "handler", "unit_admin"),
            "school": caller("school", "handler"),
            "not entitled": caller("county", "handler", entitled=False),
            "no token": nobody,
        },
        known={"batch_id": [taken.json()["id"]], "unit": units, "unit_id": units},
    )
    assert not found.faults, "\n".join(found.faults)
