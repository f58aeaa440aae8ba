"""Every page of Identity: no serious finding of axe-core, no scrolling sideways, and none is forgotten."""

import pytest

from testkit.browsers import Screen, overflow, serious_faults

from .conftest import NewPerson
from .seen import Seen
from .tour import tour


async def test_every_page_is_shown_is_accessible_and_fits_the_screen(
    new_person: NewPerson, screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await new_person(screen=screen)
    seen = Seen()
    seen.watch(monkeypatch, person.page)
    found: list[str] = []
    names: list[str] = []
    async for name, _ in tour(person):
        seen.on_screen()
        names.append(name)
        found += [f"{name}: {fault}" for fault in await serious_faults(person.page)]
        if wider := await overflow(person.page):
            found.append(f"{name}: {wider} px wider than the screen")
        if await person.page.get_by_role("heading", level=1).count() != 1:
            found.append(f"{name}: not one heading of level 1")
    assert not found, "\n".join(found)
    assert len(set(names)) == len(names)
    assert seen.missing_templates() == set()
    assert seen.missing_operations(person.site.app) == set()
