"""A database with audit rows, and an audit administrator."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from fastapi import FastAPI

    from services.identity.tests.support.running_identity import Browser
    from testkit.postgres import Migration


@pytest.fixture
def prepared(one_line: "Migration") -> "Migration":
    return one_line


@pytest.fixture
async def auditor(app: "FastAPI", new_browser: "Callable[[], Browser]") -> "Callable[..., Awaitable[Any]]":
    """Sends requests as an audit administrator, who belongs to no unit."""
    from sqlalchemy import insert, select

    from identity.accounts.models import Account
    from identity.platform.models import PlatformAdministrator

    phone = "13912345678"
    browser = new_browser()
    assert (await browser.register(phone, name="审计员")).status_code == 201
    async with app.state.database.transaction() as session:
        sub = await session.scalar(select(Account.id).where(Account.name == "审计员"))
        await session.execute(
            insert(PlatformAdministrator).values(
                account_id=sub, role="audit_admin", appointed_at=app.state.clock.now()
            )
        )
    headers = await browser.bearer(phone)

    async def call(method: str, path: str, **options: Any) -> Any:
        return await browser.http.request(method, f"/api/v1/audit{path}", headers=headers, **options)

    return call
