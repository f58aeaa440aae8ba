"""A real browser for tests of pages: Chromium driven by Playwright, and axe-core's judgement of a page.

The fixtures are in `testkit.plugin`: `chromium` is one test's browser, `new_page` opens pages with cookies
of their own. Chromium has a clock of its own: cookies expire by it, whatever clock the application has.
"""

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Browser, BrowserContext, Error, Page, async_playwright

from testkit.backends import chromium

PATIENCE = 60.0
"""How long a step waits for what it expects, in seconds: machines are slow and busy."""
# WCAG 2.2 level AA, as GB/T 37668-2019 takes it over for Chinese websites (level AA of WCAG 2.1 and more).
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_SERIOUS = {"serious", "critical"}
_REFRESHED = ("context was destroyed", "axe is not defined")


@dataclass(frozen=True)
class Screen:
    """The visible part of a page, in CSS pixels."""

    name: str
    width: int
    height: int
    touch: bool = False


DESKTOP = Screen("desktop", 1280, 800)
PHONE = Screen("phone", 390, 844, touch=True)


class NewPage(Protocol):
    """Opens pages, each in a browser profile of its own."""

    async def __call__(self, screen: Screen = DESKTOP, *, scripts: bool = True) -> Page:
        """Return an empty page. Without `scripts`, Chromium runs no JavaScript of the page."""


@asynccontextmanager
async def running(program: Path) -> AsyncIterator[Browser]:
    """Start Chromium, and stop it with all its pages when the context exits."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=program,
            args=list(chromium.ARGUMENTS),
            env={**os.environ, **chromium.LANGUAGE},
            timeout=PATIENCE * 1000,
        )
        try:
            yield browser
        finally:
            await browser.close()


@dataclass
class Watched:
    """What a browser profile complained about."""

    faults: list[str] = field(default_factory=list)
    """Uncaught errors, and what the Content-Security-Policy refused."""


async def profile(browser: Browser, screen: Screen, *, scripts: bool, watched: Watched) -> BrowserContext:
    """Return a new profile: cookies of its own, a language and a time zone as users in China have them."""
    context = await browser.new_context(
        viewport={"width": screen.width, "height": screen.height},
        has_touch=screen.touch,
        locale="zh-CN",
        # Not the zone of the pages' times: a page that leaves a time to the browser is found.
        timezone_id="America/New_York",
        java_script_enabled=scripts,
        reduced_motion="reduce",
    )
    context.set_default_timeout(PATIENCE * 1000)
    context.on("weberror", lambda error: watched.faults.append(str(error.error)))
    context.on(
        "console",
        lambda message: (
            watched.faults.append(message.text) if "Content Security Policy" in message.text else None
        ),
    )
    return context


async def _evaluated(page: Page, script: str, *, with_axe: bool = False) -> Any:
    """Return the value of a script; begin again if the page refreshes itself."""
    for attempt in range(3):
        try:
            # Half a megabyte: once for each document.
            if with_axe and await page.evaluate("typeof axe === 'undefined'"):
                await page.evaluate(AXE_SCRIPT)
            return await page.evaluate(script)
        except Error as error:
            if attempt == 2 or not any(one in str(error) for one in _REFRESHED):
                raise
            await page.wait_for_load_state()
    return None


async def serious_faults(page: Page, within: str = "document") -> list[str]:
    """Return what axe-core finds serious or critical on a page: rule, help, and the elements.

    `within` is a selector in quotes for a part of the page.

    axe-core is evaluated by Playwright, so the page's Content-Security-Policy does not stop it. It needs a
    page with scripts.
    """
    options = {"resultTypes": ["violations"], "preload": False, "runOnly": {"type": "tag", "values": _RULES}}
    script = f"axe.run({within}, {json.dumps(options)})"
    found: dict[str, Any] = await _evaluated(page, script, with_axe=True)
    return [
        f"{violation['impact']} {violation['id']}: {violation['help']}: "
        + ", ".join(str(node["target"]) for node in violation["nodes"])
        for violation in found["violations"]
        if violation["impact"] in _SERIOUS
    ]


async def overflow(page: Page) -> int:
    """Return by how many CSS pixels the page is wider than the screen; 0 without horizontal scrolling."""
    width: int = await _evaluated(page, "document.documentElement.scrollWidth - window.innerWidth")
    return max(width, 0)


async def tab_to(page: Page, name: str, *, limit: int = 80) -> None:
    """Press Tab until the element with the accessible name `name` has the focus, or raise AssertionError.

    The name is compared with the element's label, `aria-label` or text, without surrounding blanks.
    """
    seen: list[str] = []
    for _ in range(limit):
        focused = await focus(page)
        seen.append(focused)
        if focused == name:
            return
        await page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not reach {name!r}: {seen}")


async def press(page: Page, name: str) -> None:
    """Press the link or button with the accessible name `name`, by keyboard."""
    await tab_to(page, name)
    await page.keyboard.press("Enter")


async def type_into(page: Page, label: str, text: str) -> None:
    """Replace the content of the field with this label, by keyboard."""
    await tab_to(page, label)
    await page.keyboard.press("ControlOrMeta+a")
    await page.keyboard.type(text)


async def focus(page: Page) -> str:
    """Return the accessible name of the focused element, or an empty string."""
    try:
        return await _focus(page)
    except Error as error:
        if "context was destroyed" not in error.message:
            raise
    # The page has just been left for another one.
    await page.wait_for_load_state()
    return await _focus(page)


async def _focus(page: Page) -> str:
    name: str = await page.evaluate(
        """() => {
          const one = document.activeElement;
          if (!one || one === document.body) return "";
          const label = one.labels && one.labels.length ? one.labels[0].innerText : one.innerText;
          return (one.getAttribute("aria-label") || label || one.value || "").trim();
        }"""
    )
    return name
