"""REST of the client registry: reach, versions, secrets with overlap."""

from datetime import timedelta

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select, update

from identity.audit.models import AuditRecord
from identity.clients.models import Client, ClientSecret
from services.identity.tests.support.registry import (
    CALLBACK,
    CENTRE_ADMIN,
    CITY_ADMIN,
    COUNTY_ADMIN,
    SIBLING_ADMIN,
    VERIFIER,
    Admin,
    AdminOf,
    sign_in_through,
)
from services.identity.tests.support.running_identity import NewBrowser

pytestmark = pytest.mark.usefixtures("clients_read_anew")

COUNTY_HANDLER = "19900001324"


async def test_a_registered_client_signs_people_in(admin_of: AdminOf) -> None:
    admin = await admin_of(COUNTY_ADMIN)
    made = await admin.register()
    assert made.status_code == 201, made.text
    assert made.headers["etag"] == '"1"'
    assert made.headers["cache-control"] == "no-store"
    client = made.json()
    seen = (await admin.call("GET", f"/clients/{client['client_id']}")).json()
    assert seen["client_secret"] is None
    assert len(seen["secrets"]) == 1
    token = await sign_in_through(admin.browser, client["client_id"], client["client_secret"])
    assert token.status_code == 200, token.text


async def test_the_consent_page_says_who_asks_and_where_the_person_goes(
    admin_of: AdminOf, new_browser: NewBrowser
) -> None:
    """RFC 7591 §5: the redirect host is verified, the owner is known, the rest is what the client says."""
    admin = await admin_of(COUNTY_ADMIN)
    more = {"client_uri": "https://rp.example.cn/home", "redirect_uris": [CALLBACK, "http://localhost/cb"]}
    client = (await admin.register(**more)).json()
    browser = new_browser()
    for redirect_uri, goes in (
        (CALLBACK, "授权后返回 rp.example.cn"),
        ("http://localhost/cb", "返回本机上的应用"),
    ):
        url = browser.authorize_url(
            verifier=VERIFIER, client_id=client["client_id"], redirect_uri=redirect_uri, scope="openid"
        )
        answer = await browser.http.get(url)
        if answer.status_code == 303:
            answer = await browser.sign_in(SIBLING_ADMIN, url)
            answer = await browser.http.get(answer.headers["location"])
        for shown in (goes, f"由{client['owner_unit_name']}登记和管理", "199****1325"):
            assert shown in answer.text, shown
    page = (await admin.browser.http.get(f"/integrations/{client['client_id']}")).text
    assert f"由{client['owner_unit_name']}登记和管理" in page


async def test_secrets_are_stored_as_hashes(app: FastAPI, admin_of: AdminOf) -> None:
    secret = (await (await admin_of(COUNTY_ADMIN)).register()).json()["client_secret"]
    async with app.state.database.transaction() as session:
        for row in await session.scalars(select(ClientSecret)):
            assert secret.encode() not in row.secret_hash


async def test_only_clients_of_units_in_reach(admin_of: AdminOf) -> None:
    admin, sibling = await admin_of(COUNTY_ADMIN), await admin_of(SIBLING_ADMIN)
    client = (await admin.register()).json()
    path = f"/clients/{client['client_id']}"
    assert (await sibling.call("GET", path)).status_code == 404
    assert (await sibling.call("POST", f"{path}/secrets")).status_code == 404
    assert (await sibling.call("POST", f"{path}/disable", json={"reason": "x"})).status_code == 404
    assert (await sibling.call("GET", "/clients")).json()["items"] == []
    refused = await sibling.register(owner_unit_id=admin.unit)
    assert (refused.status_code, refused.json()["code"]) == (403, "out_of_reach")
    handler = await admin_of(COUNTY_HANDLER)
    assert (await handler.register()).json()["code"] == "permission_required"
    assert (await admin.call("GET", "/clients/portal")).status_code == 404


async def test_the_list_is_cut_by_key(admin_of: AdminOf) -> None:
    admin = await admin_of(COUNTY_ADMIN)
    made = [(await admin.register()).json()["client_id"] for _ in range(3)]
    first = (await admin.call("GET", "/clients", params={"limit": 2})).json()
    second = (await admin.call("GET", "/clients", params={"limit": 2, "cursor": first["next"]})).json()
    assert [item["client_id"] for item in first["items"] + second["items"]] == sorted(made)
    assert second["next"] is None


async def test_what_only_the_centre_gives_is_refused_to_others(admin_of: AdminOf) -> None:
    admin = await admin_of(COUNTY_ADMIN)
    for changes in (
        {"scopes": ["openid", "office"]},
        {"audiences": ["urn:zhuxue:office"]},
        {"grant_types": ["client_credentials"], "response_types": []},
    ):
        refused = await admin.register(**changes)
        assert (refused.status_code, refused.json()["code"]) == (400, "invalid_client_metadata")
    refused = await admin.register(redirect_uris=["http://rp.example.cn/cb"])
    assert (refused.status_code, refused.json()["code"]) == (400, "invalid_redirect_uri")


async def test_only_the_centre_frees_a_confidential_client_from_pkce(app: FastAPI, admin_of: AdminOf) -> None:
    """RFC 9700 §2.1.1: then a nonce, in its place, ties the code to the request."""
    county, centre = await admin_of(COUNTY_ADMIN), await admin_of(CENTRE_ADMIN)
    refused = await county.register(require_pkce=False)
    assert (refused.status_code, "require_pkce" in refused.json()["detail"]) == (400, True)
    for public in ({"token_endpoint_auth_method": "none"}, {"application_type": "native"}):
        assert (await centre.register(require_pkce=False, **public)).status_code == 400
    made = (await county.register()).json()
    assert made["require_pkce"] is True
    path, plain = f"/clients/{made['client_id']}", {"client_name": "奖助系统", "redirect_uris": [CALLBACK]}

    async def put(by: Admin, **changes: object) -> httpx.Response:
        return await by.call("PUT", path, json=plain | changes, headers={"If-Match": "*"})

    assert (await put(county, require_pkce=False)).json()["code"] == "invalid_client_metadata"
    assert (await put(centre, require_pkce=False)).json()["require_pkce"] is False
    # It was freed as it is: the unit keeps that, and another client is not freed with it.
    assert (await put(county, require_pkce=False, contacts=["it@example.cn"])).status_code == 200
    assert (await put(county, require_pkce=False, redirect_uris=[OTHER])).status_code == 202
    assert (await put(county)).json()["require_pkce"] is True
    async with app.state.database.transaction() as session:
        changes = select(AuditRecord.details).where(
            AuditRecord.action == "client.changed", AuditRecord.target_id == made["client_id"]
        )
        recorded = list(await session.scalars(changes.order_by(AuditRecord.id)))
    assert [one.get("require_pkce") for one in recorded] == [False, None, True]


async def test_its_unit_keeps_what_the_centre_gave(app: FastAPI, admin_of: AdminOf) -> None:
    admin = await admin_of(COUNTY_ADMIN)
    client_id = (await admin.register()).json()["client_id"]
    async with app.state.database.transaction() as session:
        await session.execute(
            update(Client).where(Client.client_id == client_id).values(scopes=["openid", "office"])
        )
    body = {"client_name": "奖助系统", "redirect_uris": [CALLBACK], "scopes": ["openid", "office"]}
    kept = await admin.call("PUT", f"/clients/{client_id}", json=body, headers={"If-Match": "*"})
    assert kept.status_code == 200, kept.text
    body["scopes"] = ["openid", "office", "cockpit:read"]
    more = await admin.call("PUT", f"/clients/{client_id}", json=body, headers={"If-Match": "*"})
    assert more.json()["code"] == "invalid_client_metadata"


async def widened(app: FastAPI, admin: Admin) -> str:
    """The path of a client of the county that the centre has granted a scope."""
    client_id = (await admin.register()).json()["client_id"]
    async with app.state.database.transaction() as session:
        await session.execute(
            update(Client).where(Client.client_id == client_id).values(scopes=["openid", "office"])
        )
    return f"/clients/{client_id}"


AS_IT_IS = {"client_name": "奖助系统", "redirect_uris": [CALLBACK], "scopes": ["openid", "office"]}
OTHER = "https://evil.example.cn/cb"


@pytest.mark.parametrize(
    "change",
    [
        {"client_name": "省级平台"},
        {"redirect_uris": [CALLBACK, OTHER]},
        {"token_endpoint_auth_method": "none"},
        {"client_uri": "https://rp.example.cn/"},
        {"initiate_login_uri": "https://rp.example.cn/open"},
        {"name_in_id_token": True, "client_name": "省级平台"},
        {"additional_token_endpoint_auth_methods": ["client_secret_post"]},
    ],
    ids=lambda change: next(iter(change)),
)
async def test_what_the_centre_granted_is_not_taken_over_by_another_client(
    app: FastAPI, admin_of: AdminOf, change: dict[str, object]
) -> None:
    """RFC 9700 §4.15, RFC 7591 §5: the approval was for the client as it was."""
    county = await admin_of(COUNTY_ADMIN)
    path = await widened(app, county)
    held = await county.call("PUT", path, json=AS_IT_IS | change, headers={"If-Match": "*"})
    assert held.status_code == 202, held.text
    (name, value) = next(iter(change.items()))
    assert held.json()["proposed"][name] == value
    assert (await county.call("GET", path)).json()[name] != value
    alone = await county.call("POST", f"{path}/proposed/approve", headers={"If-Match": "*"})
    assert (alone.status_code, alone.json()["code"]) == (403, "centre_only")


@pytest.mark.parametrize("more", [{}, {"of_the_next_release": 1}])
async def test_a_proposal_of_another_release_is_shown_and_approved(
    app: FastAPI, admin_of: AdminOf, more: dict[str, object]
) -> None:
    """A field that the other release does not know stays as it is registered."""
    county, centre = await admin_of(COUNTY_ADMIN), await admin_of(CENTRE_ADMIN)
    path = await widened(app, county)
    async with app.state.database.transaction() as session:
        client = await session.scalar(select(Client).where(Client.client_id == path.rpartition("/")[2]))
        assert client is not None
        client.additional_token_endpoint_auth_methods = ["client_secret_post"]
        client.propose(AS_IT_IS | {"client_name": "甲"} | more, client.registered_at)
    assert (await county.call("GET", path)).json()["proposed"]["client_name"] == "甲"
    done = await centre.call("POST", f"{path}/proposed/approve", headers={"If-Match": "*"})
    assert (done.status_code, done.json()["client_name"]) == (200, "甲")
    assert done.json()["additional_token_endpoint_auth_methods"] == ["client_secret_post"]


async def test_what_a_proposal_does_not_use_is_not_in_it(app: FastAPI, admin_of: AdminOf) -> None:
    """The release before does not know the newest fields, and would not read it."""
    county = await admin_of(COUNTY_ADMIN)
    path = await widened(app, county)
    await county.call("PUT", path, json=AS_IT_IS | {"client_name": "甲"}, headers={"If-Match": "*"})
    async with app.state.database.transaction() as session:
        stored = await session.scalar(
            select(Client.proposed).where(Client.client_id == path.rpartition("/")[2])
        )
    assert stored is not None
    assert stored["client_name"] == "甲"
    assert not {"name_in_id_token", "additional_token_endpoint_auth_methods"} & stored.keys()


async def test_the_centre_approves_the_change_that_it_has_seen(app: FastAPI, admin_of: AdminOf) -> None:
    county, centre = await admin_of(COUNTY_ADMIN), await admin_of(CENTRE_ADMIN)
    path = await widened(app, county)
    await county.call("PUT", path, json=AS_IT_IS | {"client_name": "甲"}, headers={"If-Match": "*"})
    waiting = (await centre.call("GET", "/clients", params={"proposed": True})).json()
    assert waiting["total"]["count"] == 1
    seen = await centre.call("GET", path)
    # Meanwhile the county proposes something else.
    await county.call("PUT", path, json=AS_IT_IS | {"redirect_uris": [OTHER]}, headers={"If-Match": "*"})
    late = {"If-Match": seen.headers["etag"]}
    assert (await centre.call("POST", f"{path}/proposed/approve", headers=late)).status_code == 412
    current = {"If-Match": (await centre.call("GET", path)).headers["etag"]}
    done = await centre.call("POST", f"{path}/proposed/approve", headers=current)
    assert (done.status_code, done.json()["redirect_uris"], done.json()["proposed"]) == (200, [OTHER], None)
    again = await centre.call("POST", f"{path}/proposed/approve", headers={"If-Match": "*"})
    assert (again.status_code, again.json()["code"]) == (409, "client_change_not_proposed")
    await county.call("PUT", path, json=AS_IT_IS | {"client_name": "乙"}, headers={"If-Match": "*"})
    back = await county.call(
        "POST", f"{path}/proposed/reject", json={"reason": "误提"}, headers={"If-Match": "*"}
    )
    assert (back.status_code, back.json()["proposed"], back.json()["client_name"]) == (200, None, "奖助系统")


async def test_less_and_giving_up_what_the_centre_granted_need_nobody(
    app: FastAPI, admin_of: AdminOf
) -> None:
    county = await admin_of(COUNTY_ADMIN)
    path = await widened(app, county)
    for change in ({"contacts": ["it@example.cn"]}, {"client_name": "改", "scopes": ["openid"]}):
        done = await county.call("PUT", path, json=AS_IT_IS | change, headers={"If-Match": "*"})
        assert done.status_code == 200, done.text


async def test_nobody_takes_the_name_of_a_system_of_the_platform(admin_of: AdminOf) -> None:
    county = await admin_of(COUNTY_ADMIN)
    for name in ("学生资助工作门户", "学生资助 工作门户", "學生资助工作门户", "统一用户认证"):
        refused = await county.register(client_name=name)
        assert (refused.status_code, refused.json()["code"]) == (400, "invalid_client_metadata")
    made = (await county.register()).json()
    body = {"client_name": "学生资助工作门户", "redirect_uris": [CALLBACK]}
    refused = await county.call("PUT", f"/clients/{made['client_id']}", json=body, headers={"If-Match": "*"})
    assert refused.json()["code"] == "invalid_client_metadata"


async def test_a_change_names_the_version_it_saw(admin_of: AdminOf) -> None:
    admin = await admin_of(COUNTY_ADMIN)
    made = await admin.register()
    path = f"/clients/{made.json()['client_id']}"
    body = {"client_name": "新名", "redirect_uris": [CALLBACK]}
    assert (await admin.call("PUT", path, json=body)).status_code == 428
    changed = await admin.call("PUT", path, json=body, headers={"If-Match": made.headers["etag"]})
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    again = await admin.call("PUT", path, json=body, headers={"If-Match": made.headers["etag"]})
    assert again.status_code == 412


async def test_secret_rotation_overlaps_and_keeps_two(app: FastAPI, admin_of: AdminOf) -> None:
    admin = await admin_of(COUNTY_ADMIN)
    first = (await admin.register()).json()
    client_id = first["client_id"]
    second = (await admin.call("POST", f"/clients/{client_id}/secrets")).json()
    for secret in (first["client_secret"], second["client_secret"]):
        assert (await sign_in_through(admin.browser, client_id, secret)).status_code == 200
    old, new = second["secrets"]
    assert old["expires_at"] is not None
    assert new["expires_at"] is None
    app.state.clock.advance(timedelta(milliseconds=1))
    third = (await admin.call("POST", f"/clients/{client_id}/secrets")).json()
    assert len(third["secrets"]) == 2
    gone = await admin.call("DELETE", f"/clients/{client_id}/secrets/{new['id']}")
    assert gone.status_code == 200
    refused = await sign_in_through(admin.browser, client_id, second["client_secret"])
    assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
    assert (await sign_in_through(admin.browser, client_id, third["client_secret"])).status_code == 200
    again = await admin.call("DELETE", f"/clients/{client_id}/secrets/{new['id']}")
    assert again.json()["code"] == "client_secret_not_found"


async def test_rfc8252_a_native_app_may_use_any_port_of_the_own_machine(
    admin_of: AdminOf, new_browser: NewBrowser
) -> None:
    admin = await admin_of(COUNTY_ADMIN)
    made = await admin.register(
        application_type="native",
        token_endpoint_auth_method="none",
        redirect_uris=["http://127.0.0.1/cb"],
    )
    assert made.json()["client_secret"] is None
    browser = new_browser()
    for uri, fits in (
        ("http://127.0.0.1:51004/cb", True),
        ("http://127.0.0.1:51004/other", False),
        ("http://[::1]:51004/cb", False),
        ("http://localhost:51004/cb", False),
        ("http://127.0.0.1:51004@evil.example/cb", False),
        ("http://127.0.0.1:99999/cb", False),
    ):
        url = browser.authorize_url(
            verifier=VERIFIER, client_id=made.json()["client_id"], redirect_uri=uri, scope="openid"
        )
        assert (await browser.http.get(url)).status_code == (303 if fits else 400), uri


async def test_people_open_the_platforms_of_their_unit_and_of_those_above(admin_of: AdminOf) -> None:
    county, city, sibling = [await admin_of(phone) for phone in (COUNTY_ADMIN, CITY_ADMIN, SIBLING_ADMIN)]
    begin = "https://rp.example.cn/begin?x=1"
    await county.register(client_name="区系统", client_uri="https://rp.example.cn/")
    await county.register(client_name="没有地址的系统")
    await city.register(
        client_name="市系统", client_uri="https://rp.example.cn/home", initiate_login_uri=begin
    )
    await sibling.register(client_name="邻区系统", client_uri="https://rp.example.cn/")
    disabled = (await city.register(client_name="停用系统", client_uri="https://rp.example.cn/")).json()
    await city.call("POST", f"/clients/{disabled['client_id']}/disable", json={"reason": "不再使用"})
    found = await county.call("GET", "/me/platforms")
    assert found.status_code == 200, found.text
    assert [(one["name"], one["url"]) for one in found.json()["items"]] == [
        ("市系统", f"{begin}&iss=http%3A%2F%2Flocalhost%3A8001"),
        ("区系统", "https://rp.example.cn/"),
    ]
