"""Every page of Identity: no serious finding of axe-core, and no scrolling sideways."""

from testkit.browsers import Screen, overflow, serious_faults

from .conftest import NewPerson
from .tour import tour


async def test_every_page_is_accessible_and_fits_the_screen(new_person: NewPerson, screen: Screen) -> None:
    person = await new_person(screen=screen)
    found: list[str] = []
    async for name, _ in tour(person):
        found += [f"{name}: {fault}" for fault in await serious_faults(person.page)]
        if wider := await overflow(person.page):
            found.append(f"{name}: {wider} px wider than the screen")
    assert not found, "\n".join(found)
