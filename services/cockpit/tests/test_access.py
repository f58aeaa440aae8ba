"""Who gets in, and how far."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DBAPIError

from cockpit import pruning
from cockpit.models import AccessRefusal
from contracts.identity import AccessRevokedV1
from messaging.envelope import Envelope
from servicekit.ids import new_id
from services.cockpit.tests.support.running_cockpit import Cockpit, award, csv_of

OVERVIEW = {"year": "2017"}


async def refusal(cockpit: Cockpit, token: str | None) -> tuple[int, str]:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    response = await cockpit.http.get("/api/v1/overview", params=OVERVIEW, headers=headers)
    assert response.headers["content-type"].startswith("application/problem+json")
    return response.status_code, response.json()["code"]


@pytest.mark.parametrize("who", ["centre", "province", "city", "county"])
async def test_entitled_people_of_the_four_levels_get_in(cockpit: Cockpit, who: str) -> None:
    response = await cockpit.http.get("/api/v1/overview", params=OVERVIEW, headers=cockpit.bearer(who))
    assert response.status_code == 200
    assert response.json()["unit"]["code"] == cockpit.world[who].code


async def test_each_refusal_has_its_own_code(cockpit: Cockpit) -> None:
    tokens, claims = cockpit.tokens, cockpit.claims
    assert await refusal(cockpit, tokens.access_token(**claims("school"))) == (403, "level_not_admitted")
    assert await refusal(cockpit, tokens.access_token(**claims("nutrition"))) == (403, "kind_not_admitted")
    assert await refusal(cockpit, tokens.access_token(**claims(entitlements=[]))) == (
        403,
        "entitlement_required",
    )
    assert await refusal(cockpit, tokens.access_token(**claims(scope="openid"))) == (
        403,
        "insufficient_scope",
    )
    assert await refusal(cockpit, tokens.without_membership(scope="cockpit:read")) == (
        403,
        "membership_required",
    )


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/overview?year=2017"),
        ("GET", "/api/v1/overview/years"),
        ("GET", "/api/v1/overview/years?unit={unit}"),
        ("GET", "/api/v1/intake/batches"),
        ("GET", "/api/v1/intake/batches/{unit}"),
        ("GET", "/api/v1/intake/batches/{unit}/quarantine.csv"),
        ("POST", "/api/v1/intake/batches/{unit}/reverse"),
        ("POST", "/api/v1/intake/batches?feed=award&source=s&batch_id={unit}"),
    ],
)
async def test_a_unit_that_is_not_replicated_yet_gets_one_answer_everywhere(
    cockpit: Cockpit, method: str, path: str
) -> None:
    # A county whose token is newer than this service's copy of the units.
    cockpit.world.add("new", "370199", "city", "county")
    headers = {**cockpit.bearer("new"), "Content-Type": "text/csv"}
    response = await cockpit.http.request(
        method,
        path.format(unit=cockpit.world["county"].id),
        headers=headers,
        content="a\n" if method == "POST" else None,
    )
    assert (response.status_code, response.json()["code"]) == (503, "unit_not_replicated")
    assert response.headers["retry-after"] == "2"


async def test_bad_tokens_are_refused(cockpit: Cockpit) -> None:
    tokens, claims = cockpit.tokens, cockpit.claims()
    assert await refusal(cockpit, None) == (401, "unauthenticated")
    assert await refusal(cockpit, tokens.expired(**claims)) == (401, "token_expired")
    for bad in (
        tokens.wrong_issuer(**claims),
        tokens.wrong_audience(**claims),
        tokens.access_token(**claims, aud="urn:zhuxue:office"),
        tokens.unsigned(**claims),
        tokens.unsigned("NoNe", **claims),
        tokens.hs256_with_public_key("pem", **claims),
        tokens.hs256_with_public_key("der", **claims),
        tokens.hs256_with_public_key("jwk", **claims),
        tokens.embedded_jwk(**claims),
        tokens.foreign_signature(**claims),
        tokens.tampered(**claims),
    ):
        assert await refusal(cockpit, bad) == (401, "invalid_token")


async def test_a_suspended_account_is_refused_at_once_although_its_token_is_valid(cockpit: Cockpit) -> None:
    sub = uuid4()
    token = cockpit.tokens.access_token(
        **cockpit.claims(sub=str(sub), iat=int(datetime.now(UTC).timestamp()) - 5)
    )
    headers = {"Authorization": f"Bearer {token}"}
    assert (await cockpit.http.get("/api/v1/overview", params=OVERVIEW, headers=headers)).status_code == 200
    now = datetime.now(UTC)
    event = AccessRevokedV1(
        sub=sub, not_before=now, expires_at=now + timedelta(minutes=5), reason="suspended"
    )
    envelope = Envelope(
        id=new_id(),
        source="/zhuxue/identity",
        type=event.type,
        subject=str(sub),
        time=now,
        data=event.model_dump(mode="json"),
    )
    assert await cockpit.bus.publish([envelope]) == [None]
    assert await refusal(cockpit, token) == (401, "token_revoked")


@pytest.mark.parametrize("other", ["sibling", "city", "centre", "sibling_school", "lookalike"])
async def test_asking_for_a_unit_outside_the_own_subtree_is_refused_and_recorded(
    cockpit: Cockpit, other: str
) -> None:
    sub = str(uuid4())
    place = cockpit.world[other]
    for path, action, more in (
        ("/api/v1/overview", "overview", OVERVIEW),
        ("/api/v1/overview/years", "overview.years", {}),
    ):
        response = await cockpit.http.get(
            path,
            params={"unit": str(place.id), **more},
            headers={**cockpit.bearer("county", sub=sub), "X-Correlation-Id": f"test-{action}"},
        )
        assert (response.status_code, response.json()["code"]) == (403, "out_of_reach")
        async with cockpit.database.transaction() as session:
            row = (await session.scalars(select(AccessRefusal).where(AccessRefusal.action == action))).one()
        assert (row.sub, row.unit_id, row.unit_path, row.code) == (sub, place.id, place.path, "out_of_reach")
        assert (row.acting_path, row.correlation_id) == (cockpit.world["county"].path, f"test-{action}")


async def test_the_own_subtree_is_open_and_leaves_no_record(cockpit: Cockpit) -> None:
    for unit in ("county", "school"):
        await cockpit.overview(unit, by="county")
    async with cockpit.database.transaction() as session:
        assert (await session.scalars(select(AccessRefusal))).all() == []


async def test_a_unit_that_does_not_exist_is_not_found(cockpit: Cockpit) -> None:
    response = await cockpit.http.get(
        "/api/v1/overview", params={"unit": str(uuid4()), **OVERVIEW}, headers=cockpit.bearer()
    )
    assert (response.status_code, response.json()["code"]) == (404, "unit_not_found")


async def test_the_record_of_refusals_cannot_be_changed_until_it_is_old(cockpit: Cockpit) -> None:
    url = "/api/v1/overview"
    params = {"unit": str(cockpit.world["centre"].id), **OVERVIEW}
    await cockpit.http.get(url, params=params, headers=cockpit.bearer())
    for statement in (
        update(AccessRefusal).values(sub="x"),
        delete(AccessRefusal),
        text("TRUNCATE access_refusals"),
    ):
        with pytest.raises(DBAPIError, match="append-only"):
            async with cockpit.database.transaction() as session:
                await session.execute(statement)
    async with cockpit.database.transaction() as session:
        place = cockpit.world["centre"]
        old = datetime.now(UTC) - timedelta(days=200)
        session.add(
            AccessRefusal(
                at=old,
                sub="old",
                client_id="c",
                acting_unit_id=place.id,
                acting_path=place.path,
                unit_id=place.id,
                unit_path=place.path,
                action="overview",
                code="out_of_reach",
            )
        )
    async with cockpit.database.transaction() as session:
        assert len((await session.scalars(select(AccessRefusal))).all()) == 2
    assert await pruning.prune(cockpit.database) == 1
    async with cockpit.database.transaction() as session:
        assert len((await session.scalars(select(AccessRefusal))).all()) == 1


async def test_only_contributors_bring_figures_in(cockpit: Cockpit) -> None:
    async def attempt(who: str, **claims: object) -> tuple[int, str]:
        response = await cockpit.http.post(
            "/api/v1/intake/batches",
            params={"feed": "award", "unit": str(cockpit.world["county"].id), "source": "s"},
            content=csv_of([award()]),
            headers={
                **cockpit.bearer(who, **claims),
                "Content-Type": "text/csv",
                "Idempotency-Key": f"key-{uuid4()}",
            },
        )
        return response.status_code, response.json().get("code", "")

    assert await attempt("county", scope="cockpit:read") == (403, "insufficient_scope")
    assert await attempt("county", roles=["approver"]) == (403, "permission_required")
    assert await attempt("sibling") == (403, "out_of_reach")
    assert await attempt("school") == (403, "level_not_admitted")
    assert await attempt("county", entitlements=[]) == (403, "entitlement_required")
    async with cockpit.database.transaction() as session:
        assert (await session.scalars(select(AccessRefusal.action))).all() == ["intake.create"]
    assert await attempt("county", scope="cockpit:write", roles=["unit_admin"]) == (201, "")
    assert await attempt("city") == (201, "")


async def test_batches_of_others_are_neither_listed_nor_read_nor_reversed(cockpit: Cockpit) -> None:
    made = (await cockpit.upload("award", "county", csv_of([award(), award(amount="-1")]))).json()
    url = f"/api/v1/intake/batches/{made['id']}"
    for method, path in (("GET", url), ("GET", f"{url}/quarantine.csv"), ("POST", f"{url}/reverse")):
        response = await cockpit.http.request(method, path, headers=cockpit.bearer("sibling"))
        assert (response.status_code, response.json()["code"]) == (403, "out_of_reach")
    listed = await cockpit.http.get("/api/v1/intake/batches", headers=cockpit.bearer("sibling"))
    assert listed.json()["items"] == []
    for who in ("county", "city", "centre"):
        listed = await cockpit.http.get("/api/v1/intake/batches", headers=cockpit.bearer(who))
        assert [item["id"] for item in listed.json()["items"]] == [made["id"]]
    async with cockpit.database.transaction() as session:
        refusals = (await session.scalars(select(AccessRefusal))).all()
    assert {row.action for row in refusals} == {"intake.read", "intake.quarantine", "intake.reverse"}
    assert {row.unit_id for row in refusals} == {UUID(made["unit"]["id"])}
    assert (
        await cockpit.http.get(f"/api/v1/intake/batches/{uuid4()}", headers=cockpit.bearer())
    ).status_code == 404
