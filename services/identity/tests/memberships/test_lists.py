"""Every list of Identity is read page by page without loss, counted, names what ids mean, and refuses what it
does not know.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import select

from contracts.vocabulary import PhoneChangeKind, PlatformRole, ProposalStatus
from identity.accounts.models import Account
from identity.appointments.models import PlatformProposal
from identity.audit.models import AuditSeal
from identity.audit_review.models import AuditExport
from identity.clients.models import Client, InitialAccessToken
from identity.delegations.models import Delegation
from identity.entitlements.models import Entitlement, EntitlementRequest
from identity.invite_batches.models import InviteBatch, InviteBatchRow
from identity.invites.models import Invite
from identity.joining.models import JoinRequest
from identity.member_changes.models import HandOver
from identity.memberships.models import Membership
from identity.phones.models import PhoneChange
from identity.role_changes.models import RoleChange
from identity.sessions.models import SignInRecord
from identity.unit_imports.models import UnitExport, UnitImport, UnitImportRow
from onebox.lists import FEEDS_OF_REPLICAS, lists
from servicekit.ids import new_id
from services.identity.tests.support.people import (
    CENTRE,
    COUNTY,
    PROVINCE,
    Person,
    SignIn,
    platform_administrator,
    unit_of,
)
from services.identity.tests.support.running_identity import NewBrowser
from testkit.clock import FrozenClock
from testkit.lists import check_list, made


@pytest.fixture
def prepared(one_line: Any) -> Any:
    return one_line


async def fill(app: FastAPI, clock: FrozenClock, admin: UUID, unit: UUID) -> dict[str, UUID]:
    """Put three rows into every list; return what their paths need."""
    now, state = clock.now(), app.state
    usual: dict[str, object] = {
        **dict.fromkeys(("created_by", "requested_by", "decided_by", "proposed_by", "changed_by"), admin),
        "unit_id": unit,
        "root_id": unit,
        "owner_unit_id": unit,
        "account_id": admin,
    }
    batch, table = new_id(), new_id()
    async with state.database.transaction() as session:
        people = (
            await session.scalars(
                select(Membership)
                .join(Account, Account.id == Membership.account_id)
                .where(Membership.unit_id == unit, Membership.ended_at.is_(None))
                .order_by((Membership.account_id == admin).desc(), Membership.id)
            )
        ).all()
        here, colleague = people[0], people[1]
        spare = [
            made(Account, now, {}, id=new_id(), name=f"张小{word}", phone_index=word.encode())
            for word in "甲乙丙"
        ]
        session.add_all(spare)
        # Ids in the order of time, apart from others.
        session.add(made(InviteBatch, now, usual, id=batch, total=3))
        session.add(made(UnitImport, now, usual, id=table))
        await session.flush()
        for number, one in enumerate(spare, start=1):
            later = now + timedelta(days=number)
            session.add_all(
                [
                    made(Membership, now, {}, account_id=one.id, unit_id=unit, is_primary=True, roles=[]),
                    made(Invite, now, usual, expires_at=later),
                    made(InviteBatchRow, now, usual, batch_id=batch, number=number),
                    made(UnitImportRow, now, usual, import_id=table, number=number),
                    made(JoinRequest, now, usual, account_id=one.id, responsible_unit_id=unit),
                    made(
                        JoinRequest,
                        now,
                        usual,
                        status="withdrawn",
                        decided_at=now,
                    ),
                    made(EntitlementRequest, now, usual, account_id=one.id),
                    made(EntitlementRequest, now, usual, status="rejected", name=f"cockpit{number}"),
                    made(Entitlement, now, usual, account_id=one.id, expires_at=later),
                    made(
                        Delegation,
                        now,
                        usual,
                        from_membership_id=here.id,
                        to_membership_id=colleague.id,
                        starts_at=now,
                        ends_at=later,
                    ),
                    made(
                        HandOver, now, usual, membership_id=colleague.id, successor_id=admin, completed_at=now
                    ),
                    made(
                        PhoneChange,
                        now,
                        usual,
                        account_id=one.id,
                        kind=PhoneChangeKind.RECOVERY,
                        phone_sealed=b"x",
                    ),
                    made(PlatformProposal, now, usual, status=ProposalStatus.REFUSED, decided_at=now),
                    made(RoleChange, now, usual, status=ProposalStatus.REFUSED, decided_at=now),
                    made(SignInRecord, now, usual, id=new_id(), means="sms"),
                    made(UnitImport, now, usual),
                    made(UnitExport, now, usual),
                    made(InitialAccessToken, now, usual),
                    made(InviteBatch, now, usual),
                    made(
                        Client,
                        now,
                        usual,
                        client_id=f"client-{number}",
                        application_type="web",
                        token_endpoint_auth_method="none",
                        id_token_signed_response_alg="ES256",
                        grant_types=["authorization_code"],
                    ),
                    made(AuditSeal, now, usual, number=number),
                    made(AuditExport, now, usual, requested_by=admin, expires_at=later),
                ]
            )
    await state.search_indexer.caught_up()
    return {"batch_id": batch, "import_id": table}


async def test_every_list_pages_counts_names_and_refuses(
    app: FastAPI, clock: FrozenClock, sign_in: SignIn, new_browser: NewBrowser
) -> None:
    county, centre, province = await sign_in(COUNTY), await sign_in(CENTRE), await sign_in(PROVINCE)
    unit = await unit_of(app, "370102")
    for number in range(3):
        await county.ok(
            "POST",
            "/units",
            json={
                "parent_id": str(unit),
                "code": f"370102000{number}",
                "name": f"历下区第{number}小学",
                "level": "school",
                "kind": "school",
                "stages": ["compulsory"],
                "reason": "新建",
            },
        )
        await county.ok("POST", f"/units/{unit}/invites", json={"roles": ["handler"]})
    for name in ("历下区资助中心", "历下区资助管理中心"):
        version = (await county.ok("GET", f"/units/{unit}"))["version"]
        renamed = await county.browser.http.post(
            f"/api/v1/units/{unit}/rename",
            json={"name": name, "reason": "更名"},
            headers={**county.headers, "If-Match": f'"{version}"'},
        )
        assert renamed.is_success, renamed.text
    own = await fill(app, clock, UUID(await county.sub()), unit)
    audit = await platform_administrator(app, new_browser(), PlatformRole.AUDIT_ADMIN.value)
    people: dict[str, Person] = {
        "listInitialTokens": centre,
        **dict.fromkeys(("listWishes", "listReviews"), province),
        **dict.fromkeys(
            ("listProposals", "listRoleChanges", "searchAudit", "listAuditSeals", "listAuditExports"), audit
        ),
    }
    with_words = {
        "searchPeople": {"q": "张小"},
        "searchUnits": {"q": "历下"},
        "searchAudit": {"action": "invite.created"},
        "listUnitChoices": {"parent_id": str(unit)},
    }
    document = {"identity": app.openapi()}
    checked = [one for one in lists(document) if one.paged and one.id not in FEEDS_OF_REPLICAS]
    assert len(checked) >= 30
    for one in checked:
        who = people.get(one.id, county)
        path = one.path.removeprefix("/api/v1").format(unit_id=unit, **own)
        words = with_words.get(one.id, {})

        async def call(
            parameters: Mapping[str, str],
            who: Person = who,
            path: str = path,
            words: Mapping[str, str] = words,
        ) -> httpx.Response:
            return await who.call("GET", path, params={**words, **parameters})

        await check_list(one, call)
