"""Every operation about something of a unit refuses an administrator who does not reach that unit.

An operation whose path names something has to be in one of the lists below: a new one fails the first test.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI

from identity.unit_imports.rules import HEADINGS
from services.identity.tests.properties import imports, recoveries
from services.identity.tests.properties.model import ADMIN, Sub, UnitId
from services.identity.tests.properties.world import WHY, World, begun, small_country
from testkit.clock import FrozenClock
from testkit.postgres import Migration

OWN, ABOVE, BESIDE = "370102", "370100", "370103"

ANY_MEMBER_READS = {
    *("getUnit", "getUnitByCode", "listAncestors", "listChildren", "listSubtree", "getUnitTree"),
    *("listUnitHistory", "getPolicy"),
}
"""The tree is known to all members of units; documents to everybody."""
OF_THE_PLATFORM = {
    *("suspendAnyAccount", "restoreAnyAccount", "resetAnyAuthenticators"),
    *("confirmProposal", "refuseProposal", "changeRole", "retireRole"),
    *("confirmRoleChange", "refuseRoleChange", "getAuditExport", "downloadAuditExport"),
}
"""For the three administrators of the platform; `memberships/test_platform.py` has their tests."""
OF_THE_CENTRE = {"revokeInitialToken", "approveClientChange", "rejectClientChange"}
OF_ONESELF = {"downloadExport"}
OF_A_CLIENT = {"deleteClient", "readClient", "changeClient"}
"""RFC 7592: with the client's own token."""

OF_ANYBODY = {"textChallengeState"}
"""Before there is an account: whether the text message has come. Only who asked knows the random id."""


@dataclass
class Elsewhere:
    """A unit, and one of everything that belongs to it or its people."""

    ids: dict[str, str]
    unit: UnitId
    person: Sub


Request = tuple[str, dict[str, object] | None]
DRIVEN: dict[str, Callable[[Elsewhere], dict[str, object] | None]] = {
    **dict.fromkeys(
        (
            *("getAccount", "resetAuthenticators", "withdrawEntitlement", "endSessions", "listSessions"),
            *("endOneSession", "getClient", "enableClient", "removeClient", "rotateSecret", "revokeSecret"),
            *("revokeDelegation", "approveWish", "withdrawWish", "keepEntitlement", "dropEntitlement"),
            *("getInviteBatch", "cancelInvites", "downloadFailedInvites"),
            *(
                "listInviteRows",
                "sendInvites",
                "revokeInvite",
                "getJoinRequest",
                "approveJoinRequest",
            ),
            *("withdrawJoinRequest", "getUnitExport", "cancelUnitExport", "downloadUnitExport"),
            *("getUnitImport", "cancelUnitImport", "downloadFailedRows", "downloadImportReport"),
            *("listImportRows", "listUnitDelegations", "getUnitEnding", "listHandOvers"),
            *("listInviteBatches", "listInvites", "listMembers"),
        ),
        lambda _: None,
    ),
    **dict.fromkeys(
        (
            *("restoreAccount", "suspendAccount", "unmaskAccount", "disableClient", "rejectWish"),
            *("rejectJoinRequest", "rejectRecovery", "closeUnit", "endMembership"),
        ),
        lambda _: dict(WHY),
    ),
    "grantEntitlement": lambda _: {"name": "cockpit"},
    "updateClient": lambda _: {
        "client_name": "奖助系统",
        "redirect_uris": ["https://rp.example.cn/cb"],
    },
    "approveRecovery": lambda _: {"in_person": True},
    "applyUnitImport": lambda _: {},
    "amendUnit": lambda _: {**WHY, "address": "解放路 1 号"},
    "createInvite": lambda _: {"roles": ["handler"]},
    "changeMember": lambda _: {**WHY, "roles": ["handler", "reviewer"]},
    "transferMember": lambda it: {"to_unit_id": it.ids["own"], "roles": ["handler"]},
    "mergeUnit": lambda it: {**WHY, "into_id": it.ids["own"]},
    "moveUnit": lambda it: {**WHY, "parent_id": it.ids["own"]},
    "renameUnit": lambda _: {**WHY, "name": "更名的单位"},
    "splitUnit": lambda _: {**WHY, "code": "X370199", "name": "分设的单位", "child_ids": []},
}
"""The bodies of those that act on something of a unit."""

NAMED_IN_BODY: dict[str, Callable[[Elsewhere], Request]] = {
    "createUnit": lambda it: (
        "/units",
        {
            "parent_id": it.unit,
            "code": "X370198",
            "name": "新建小学",
            "level": "school",
            "kind": "school",
            "stages": ["compulsory"],
        },
    ),
    "moveUnit": lambda it: (f"/units/{it.ids['school']}/move", {**WHY, "parent_id": it.unit}),
    "createClient": lambda it: (
        "/clients",
        {"client_name": "系统", "owner_unit_id": it.unit, "redirect_uris": ["https://rp.example.cn/cb"]},
    ),
    "exportUnits": lambda it: ("/unit-exports", {"unit_id": it.unit, "format": "csv"}),
    "requestEntitlement": lambda it: (
        "/entitlement-requests",
        {"name": "cockpit", "reason": "数据分析", "sub": it.person},
    ),
}
"""Those that name a unit or a person in the body."""

UNCHANGED = (
    *("units", "memberships", "accounts", "join_requests", "invites", "delegations", "entitlements"),
    *("entitlement_requests", "phone_changes", "unit_imports", "unit_exports", "invite_batches"),
    *("sessions", "clients", "hand_overs"),
)
"""The tables in which nothing may change."""


@pytest.fixture
def prepared() -> Migration:
    return small_country


def operations(app: FastAPI) -> dict[str, tuple[str, str]]:
    """Method and path of each operation whose path names something."""
    return {
        operation["operationId"]: (method.upper(), path)
        for path, methods in app.openapi()["paths"].items()
        for method, operation in methods.items()
        if "{" in path and "operationId" in operation
    }


async def test_every_operation_about_something_is_listed(app: FastAPI) -> None:
    free = OF_THE_CENTRE | OF_ONESELF | OF_A_CLIENT | OF_ANYBODY
    assert operations(app).keys() == ANY_MEMBER_READS | OF_THE_PLATFORM | free | DRIVEN.keys()


@pytest.mark.parametrize("place", [ABOVE, BESIDE])
async def test_nothing_of_a_unit_out_of_reach_is_seen_or_changed(
    app: FastAPI, clock: FrozenClock, place: str
) -> None:
    async with begun(app, clock, seed=0) as world:
        elsewhere = await _elsewhere(world, place)
        by = _staff(world, OWN)[0]
        before = await _state(world)
        seen = {}
        for name, (method, path) in operations(app).items():
            if name not in DRIVEN:
                continue
            wish = {"request_id": elsewhere.ids["wish_id"]} if "entitlement-requests" in path else {}
            address = path.removeprefix("/api/v1").format(**{**elsewhere.ids, **wish})
            answer = await world.call(by, method, address, DRIVEN[name](elsewhere))
            seen[name] = (
                answer.status_code,
                answer.json()["code"] if answer.status_code >= 400 else "succeeded",
            )
        for name, request in NAMED_IN_BODY.items():
            address, body = request(elsewhere)
            answer = await world.call(by, "POST", address, body)
            seen[f"{name} (body)"] = (
                answer.status_code,
                answer.json()["code"] if answer.status_code >= 400 else "succeeded",
            )
        wrong = {
            name: answer
            for name, answer in seen.items()
            if answer[0] not in (403, 404) or not (answer[1] == "out_of_reach" or "not_found" in answer[1])
        }
        assert wrong == {"withdrawJoinRequest": (403, "not_your_request")}
        assert await _state(world) == before


async def _state(world: World) -> dict[str, list[str]]:
    return {
        table: sorted(row.row for row in await world.query(f"SELECT t::text AS row FROM {table} t"))
        for table in UNCHANGED
    }


def _unit(world: World, code: str) -> UnitId:
    return next(unit for unit, of in world.model.units.items() if of.code == code)


def _staff(world: World, code: str) -> tuple[Sub, Sub]:
    """The administrator of a unit, and a handler."""
    members = [one for one in world.model.members if one.unit == _unit(world, code)]
    admin = next(one.sub for one in members if ADMIN in one.roles)
    return admin, next(one.sub for one in members if one.sub != admin)


async def _elsewhere(world: World, place: str) -> Elsewhere:
    """Let there be one of everything at a place, made by those who may."""
    unit, own = _unit(world, place), _unit(world, OWN)
    admin, person = _staff(world, place)
    centre = _staff(world, "100000")[0]
    stranger = _staff(world, "370203")[1]

    async def ok(by: Sub, method: str, path: str, body: object = None, **more: Any) -> Any:
        answer = await world.call(by, method, path, body, **more)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    school = {
        "parent_id": own,
        "code": "X370197",
        "name": "本县小学",
        "level": "school",
        "kind": "school",
        "stages": ["compulsory"],
    }
    period = {
        "starts_at": world.clock.now().isoformat(),
        "ends_at": (world.clock.now() + timedelta(days=3)).isoformat(),
    }
    row = await imports.new_school(world, admin)
    table = "\n".join([",".join(HEADINGS), row.line]).encode()
    client = {"client_name": "系统", "owner_unit_id": unit, "redirect_uris": ["https://rp.example.cn/cb"]}
    made = await ok(admin, "POST", "/clients", client)
    await ok(centre, "POST", f"/accounts/{person}/entitlements", {"name": "cockpit"})
    (entitlement,) = await world.query("SELECT id FROM entitlements WHERE withdrawn_at IS NULL")
    uploaded = await ok(
        admin, "POST", "/unit-imports", params={"file_name": "单位.csv", "reason": "核对"}, content=table
    )
    await imports.done(world, uploaded["id"])
    people = "手机号,姓名,角色,职务\n13912345678,王小明,经办人,\n1,王小明,经办人,".encode()
    batch = await ok(
        admin, "POST", "/invite-batches", params={"unit_id": unit, "file_name": "人员.csv"}, content=people
    )
    exported = await ok(admin, "POST", "/unit-exports", {"unit_id": unit, "format": "csv"})
    await imports.done(world, exported["id"], "unit_exports")
    request = await ok(stranger, "POST", "/join-requests", {"unit_id": unit, "roles": ["handler"]})
    invite = await ok(admin, "POST", f"/units/{unit}/invites", {"roles": ["handler"]})
    delegation = {"unit_id": unit, "to": person, "roles": ["approver"], "reason": "出差代办", **period}
    delegated = await ok(admin, "POST", "/me/delegations", delegation)
    wish = await ok(admin, "POST", "/entitlement-requests", {"name": "cockpit", "reason": "数据分析"})
    own_school = await ok(_staff(world, OWN)[0], "POST", "/units", school)
    recovery = await recoveries.lose_number(world, person)
    assert recovery is not None
    return Elsewhere(
        {
            "own": own,
            "school": own_school["id"],
            "unit_id": unit,
            "sub": person,
            "name": "cockpit",
            "sid": str(world.sessions[person]),
            "client_id": made["client_id"],
            "secret": str(UUID(int=1)),
            "delegation_id": delegated["id"],
            "entitlement_id": str(entitlement.id),
            "invite_id": invite["id"],
            "batch_id": batch["id"],
            "change_id": recovery,
            "import_id": uploaded["id"],
            "export_id": exported["id"],
            "request_id": request["id"],
            "wish_id": wish["id"],
        },
        unit,
        person,
    )
