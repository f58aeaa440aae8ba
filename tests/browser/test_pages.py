"""Every page of Identity: no serious finding of axe-core, no scrolling sideways, and none is forgotten."""

import pytest

from testkit.browsers import DESKTOP, PHONE, Screen, overflow, serious_faults

from .conftest import NewPerson
from .screenshots import DOCS, SHOTS, file_of, written
from .seen import Seen
from .tour import tour


@pytest.mark.long
async def test_every_page_is_shown_is_accessible_and_fits_the_screen(
    new_person: NewPerson, screen: Screen, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = await new_person(screen=screen)
    seen = Seen()
    seen.watch(monkeypatch, person.page)
    found: list[str] = []
    names: dict[str, str] = {}
    async for name, title in tour(person):
        seen.on_screen()
        assert name not in names
        names[name] = title
        found += [f"{name}: {fault}" for fault in await serious_faults(person.page)]
        if wider := await overflow(person.page):
            found.append(f"{name}: {wider} px wider than the screen")
        if await person.page.get_by_role("heading", level=1).count() != 1:
            found.append(f"{name}: not one heading of level 1")
    assert not found, "\n".join(found)
    assert seen.missing_templates() == set()
    assert seen.missing_operations(person.site.app) == set()
    assert (DOCS / "pages.md").read_text(encoding="utf-8") == written(names), "run `make screenshots`"
    pictures = {file_of(name, one) for name in names for one in (DESKTOP, PHONE)}
    assert {path.name for path in SHOTS.glob("*.webp")} == pictures, "run `make screenshots`"
