"""A person with a browser, and an authenticator made of software."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from testkit.clock import FrozenClock

if TYPE_CHECKING:
    from fastapi import FastAPI

    from services.identity.tests.support.authenticators import NewPerson, Person, SoftKey
    from services.identity.tests.support.running_identity import Browser
    from testkit.postgres import Migration


@pytest.fixture
def prepared(one_line: "Migration") -> "Migration":
    return one_line


@pytest.fixture
def new_person(app: "FastAPI", new_browser: "Callable[[], Browser]", clock: FrozenClock) -> "NewPerson":
    """A factory of people at browsers."""
    from services.identity.tests.support.authenticators import PHONE, Person

    def make(phone: str = PHONE) -> Person:
        return Person(app, new_browser(), clock, phone)

    return make


@pytest.fixture
async def person(new_person: "NewPerson") -> "Person":
    """Somebody who has just signed in with an SMS code."""
    one = new_person()
    await one.sign_in()
    return one


@pytest.fixture
def soft_key() -> "type[SoftKey]":
    from services.identity.tests.support.authenticators import SoftKey

    return SoftKey
