"""Writes `docs/screenshots` and `docs/pages.md`; `make screenshots` runs it with pytest.

Each test photographs on one screen; both write the same page. `docs/screenshots/before` has the pages as they
were before their design, and is not written again.
"""

import base64
from pathlib import Path

from playwright.async_api import Page

from testkit.browsers import DESKTOP, PHONE, Screen

from .conftest import NewPerson
from .tour import tour

DOCS = Path(__file__).parents[2] / "docs"
SHOTS = DOCS / "screenshots"
_LOADED = """() => new Promise((done) =>
  document.readyState === 'complete' ? done() : addEventListener('load', done, { once: true }))"""
_HEAD = """# Pages of Identity

Every page of Identity, and of the start page of `make run`, on a screen of 1280×800 and on a telephone of
390×844, written by `make screenshots`. The people, numbers and units are those of the demo. “Before” is the
page before this design, where there was one.

| Page | Desktop | Telephone | Before |
| --- | --- | --- | --- |
"""


async def test_screenshots(new_person: NewPerson, screen: Screen) -> None:
    names: dict[str, str] = {}
    person = await new_person(screen=screen)
    async for name, title in tour(person):
        names[name] = title
        (SHOTS / file_of(name, screen)).write_bytes(await photograph(person.page, screen))
    for old in SHOTS.glob("*.webp"):
        if old.name.rpartition("-")[0] not in names:
            old.unlink()
    (DOCS / "pages.md").write_text(written(names), encoding="utf-8")


def written(names: dict[str, str]) -> str:
    """Return `docs/pages.md` for pages by short name, with their Chinese names, in the order of the tour."""
    lines = [
        f"| {title} | {image(name, DESKTOP)} | {image(name, PHONE)} | {before(name)} |"
        for name, title in names.items()
    ]
    return _HEAD + "\n".join(lines) + "\n"


async def photograph(page: Page, screen: Screen) -> bytes:
    """The whole page as WebP, once its images are there."""
    # Not `wait_for_load_state`, which never ends on a page whose next navigation was answered with 204.
    await page.evaluate(_LOADED)
    height = await page.evaluate("document.documentElement.scrollHeight")
    devtools = await page.context.new_cdp_session(page)
    clip = {"x": 0, "y": 0, "width": screen.width, "height": height, "scale": 1}
    shot = await devtools.send(
        "Page.captureScreenshot",
        {"format": "webp", "quality": 55, "captureBeyondViewport": True, "clip": clip},
    )
    await devtools.detach()
    return base64.b64decode(shot["data"])


def file_of(name: str, screen: Screen) -> str:
    """The name of a screenshot's file."""
    return f"{name}-{screen.name}.webp"


def image(name: str, screen: Screen, folder: str = "") -> str:
    """A small picture that leads to the whole."""
    path = f"screenshots/{folder}{file_of(name, screen)}"
    return f'<a href="{path}"><img src="{path}" width="{240 if screen is DESKTOP else 110}" alt="{name}"></a>'


def before(name: str) -> str:
    """The picture of the page as it was."""
    return image(name, DESKTOP, "before/") if (SHOTS / "before" / file_of(name, DESKTOP)).exists() else ""
