"""Pages of units and delegations for administrators of the platform, who belong to no unit."""

import pytest
from fastapi import FastAPI

from contracts.vocabulary import PlatformRole
from services.identity.tests.support.people import Person, platform_administrator, unit_of
from services.identity.tests.support.running_identity import NewBrowser
from testkit.postgres import Migration


@pytest.fixture
def prepared(one_line: Migration) -> Migration:
    return one_line


@pytest.fixture
async def administrator(app: FastAPI, new_browser: NewBrowser) -> Person:
    return await platform_administrator(app, new_browser(), "audit_admin")


@pytest.mark.parametrize("path", ["/account/units", "/account/delegations"])
async def test_their_own_pages_say_that_they_belong_to_no_unit(administrator: Person, path: str) -> None:
    page = await administrator.browser.http.get(path, headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert f"您是平台的{PlatformRole.AUDIT_ADMIN.label}" in page.text
    assert "三员分立" in page.text
    assert 'href="/join"' not in page.text
    assert "/account/delegations/new" not in page.text


async def test_they_are_refused_before_the_form_of_joining_and_delegating(
    app: FastAPI, administrator: Person
) -> None:
    http = administrator.browser.http
    unit = await unit_of(app, "370102")
    for path in (
        "/join",
        "/join?code=ABCD-EFGH-JKLM-NPQR",
        "/join/units",
        f"/join/unit?id={unit}",
        "/account/delegations/new",
    ):
        page = await http.get(path, headers={"Accept": "text/html"})
        assert page.status_code == 409, path
        assert "平台管理员不得属于单位" in page.text
        assert "<form" not in page.text
