"""Administrators of the registry of clients."""

import pytest

from services.identity.tests.support.registry import Admin, AdminOf
from services.identity.tests.support.running_identity import NewBrowser


@pytest.fixture
def admin_of(new_browser: NewBrowser) -> AdminOf:
    async def make(phone: str) -> Admin:
        browser = new_browser()
        bearer = await browser.bearer(phone)
        me = (await browser.http.get("/api/v1/me", headers=bearer)).json()
        return Admin(browser, bearer, me["unit_id"], me["acting"]["unit_name"])

    return make
