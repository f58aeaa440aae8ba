"""REST of sessions, for administrators: people in the caller's subtree."""

from uuid import UUID

from fastapi import APIRouter

from authkit.dependencies import REFUSALS
from authkit.errors import MembershipRequired, OutOfReach, RoleRequired
from identity.accounts.errors import AccountNotFound
from identity.dependencies import Clock, Settings
from identity.memberships.dependencies import Service as Memberships
from identity.sessions.errors import SessionNotFound
from identity.sessions.schemas import SessionOut
from identity.sessions.service import Sessions
from identity.units.auth import UnitAdmin
from servicekit import problems
from servicekit.db import Session

router = APIRouter(prefix="/api/v1", tags=["登录会话"], responses=problems.responses(*REFUSALS))
ADMIN = (MembershipRequired, RoleRequired, OutOfReach, AccountNotFound)


@router.get("/accounts/{sub}/sessions", summary="某人的登录会话", responses=problems.responses(*ADMIN))
async def list_sessions(
    sub: UUID, admin: UnitAdmin, memberships: Memberships, session: Session, clock: Clock, settings: Settings
) -> list[SessionOut]:
    """Live sessions, latest first."""
    await memberships.in_reach(admin, sub)
    rows = await Sessions(session, clock, settings.access_token_seconds).live(
        sub, settings.session_idle_seconds, settings.session_absolute_seconds
    )
    return [
        SessionOut(
            sid=row.id,
            authenticated_at=row.authenticated_at,
            last_seen_at=row.last_seen_at,
            acr=row.acr,
            amr=row.amr,
        )
        for row in rows
    ]


@router.delete(
    "/accounts/{sub}/sessions",
    status_code=204,
    summary="结束某人的所有登录会话",
    responses=problems.responses(*ADMIN),
)
async def end_sessions(
    sub: UUID, admin: UnitAdmin, memberships: Memberships, session: Session, clock: Clock, settings: Settings
) -> None:
    """Every session ends; tokens are refused everywhere."""
    await memberships.in_reach(admin, sub)
    await Sessions(session, clock, settings.access_token_seconds).end_all(
        sub, "ended by an administrator", actor=admin.sub
    )


@router.delete(
    "/accounts/{sub}/sessions/{sid}",
    status_code=204,
    summary="结束某人的一个登录会话",
    responses=problems.responses(*ADMIN, SessionNotFound),
)
async def end_session(
    sub: UUID,
    sid: UUID,
    admin: UnitAdmin,
    memberships: Memberships,
    session: Session,
    clock: Clock,
    settings: Settings,
) -> None:
    """One session ends; its grants and tokens are withdrawn and its clients told."""
    await memberships.in_reach(admin, sub)
    sessions = Sessions(session, clock, settings.access_token_seconds)
    row = await sessions.lock(sid)
    if row is None or row.account_id != sub:
        raise SessionNotFound
    await sessions.end(row, "ended by an administrator", actor=admin.sub)
