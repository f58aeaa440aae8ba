"""REST API of the caller's sign-in history."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from authkit.dependencies import REFUSALS
from authkit.errors import InsufficientScope
from identity.sessions.dependencies import SessionService
from identity.sessions.errors import SessionNotFound
from identity.sessions.schemas import SignInOut
from identity.units.auth import Person
from servicekit import problems
from servicekit.paging import CountedPage, Paging

router = APIRouter(
    prefix="/api/v1", tags=["我的账号"], responses=problems.responses(*REFUSALS, InsufficientScope)
)


@router.delete(
    "/me/session",
    status_code=204,
    summary="退出当前登录",
    description="结束令牌所属的登录会话：其授权和令牌一并撤销，并通知各接入系统。",
    responses=problems.responses(SessionNotFound),
)
async def end_my_session(person: Person, sessions: SessionService) -> None:
    """End the session that the caller's token belongs to, for a client that ends its own session as well."""
    row = None if person.sid is None else await sessions.lock(UUID(person.sid))
    if row is None or str(row.account_id) != person.sub:
        raise SessionNotFound
    await sessions.end(row, "signed out", actor=person.sub)


@router.get(
    "/me/sign-ins",
    summary="我的登录记录",
    description="本人的登录，包括验证身份后未能登录的，从新到旧。",
)
async def list_sign_ins(
    person: Person,
    paging: Paging,
    sessions: SessionService,
    refused: Annotated[bool | None, Query(description="只列验证身份后未能登录的；false 为已登录的")] = None,
) -> CountedPage[SignInOut]:
    """Return the caller's sign-ins, latest first."""
    found = await sessions.sign_ins(UUID(person.sub), paging, refused=refused)
    return found.page(lambda row: SignInOut.model_validate(row))
