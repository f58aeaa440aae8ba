"""People of one line of authority at their browsers."""

from typing import TYPE_CHECKING

import pytest

from services.identity.tests.support.running_identity import NewBrowser

if TYPE_CHECKING:
    from services.identity.tests.support.people import Person, SignIn


@pytest.fixture
def sign_in(new_browser: NewBrowser) -> "SignIn":
    """Signs a person in at a browser of their own."""
    from services.identity.tests.support.people import Person

    async def signed_in(phone: str) -> Person:
        browser = new_browser()
        return Person(browser, phone, await browser.bearer(phone))

    return signed_in


@pytest.fixture
async def newcomer(new_browser: NewBrowser) -> "Person":
    """Somebody who has registered and belongs to no unit."""
    from services.identity.tests.support.people import NEWCOMER, registered

    return await registered(new_browser(), NEWCOMER)
