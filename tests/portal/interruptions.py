"""What happens to people who type: the line fails, the session ends, a new version is deployed."""

import re
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.async_api import expect

from portal.sessions import cookies
from portal.sessions.repository import SessionRepository
from testkit.browsers import PATIENCE

from .conftest import Site

if TYPE_CHECKING:
    from playwright.async_api import Locator, Page

_HASHED = re.compile(r"(.+-)([\w-]{8})(\.\w+)")


async def lose_the_line(page: "Page", button: "Locator", field: "Locator") -> None:
    """Without a connection, a button says so, and what was typed stays."""
    typed = await field.input_value()
    await page.context.set_offline(True)
    await button.click()
    await expect(page.get_by_role("alert").filter(has_text="网络").first).to_be_visible()
    await expect(field).to_have_value(typed)
    await page.context.set_offline(False)


async def end_the_session(page: "Page", site: Site) -> None:
    """End the session of a browser at the server, as Identity's notice does."""
    secret = next(one["value"] for one in await page.context.cookies(site.url) if one["name"] == cookies.NAME)
    async with site.portal.state.database.transaction() as session:
        rows = SessionRepository(session)
        row = await rows.by_secret(cookies.digest(secret), site.clock.now())
        assert row is not None
        await rows.delete_one(row.id)


async def lose_the_session(page: "Page", site: Site) -> None:
    """The page says by itself that the session has ended; they sign in again in this tab, and are back."""
    await end_the_session(page, site)
    await sign_in_again(page)


async def sign_in_again(page: "Page") -> None:
    """Follow what a page without a session says."""
    address = page.url
    async with page.expect_response(lambda answer: "/bff/callback" in answer.url):
        await page.get_by_role("button", name="重新登录").click(timeout=PATIENCE * 1000)
    await page.wait_for_url(address)
    await page.get_by_role("heading", level=1).first.wait_for()


def stop_streams(site: Site) -> None:
    """End the streams of events of open pages, as a process that stops does."""
    for streams in site.portal.state.proxy._open._of.values():
        for one in streams:
            one.end()


def deploy(pages: Path) -> None:
    """Put a new version in the place of the pages: every file has a name that none had before (browsers keep
    files by their names for ever), and the old ones are gone.
    """
    assets = pages / "assets"

    def renamed(found: re.Match[str]) -> str:
        return f"{found[1]}{sha256(found[2].encode()).hexdigest()[:8]}{found[3]}"

    names = {file.name: _HASHED.sub(renamed, file.name) for file in assets.iterdir()}
    assert any(old != new for old, new in names.items())
    several = re.compile("|".join(re.escape(name) for name in sorted(names, key=len, reverse=True)))
    for file in (pages / "index.html", *assets.iterdir()):
        if file.suffix in {".html", ".js", ".css"}:
            file.write_text(several.sub(lambda found: names[found.group()], file.read_text("utf-8")), "utf-8")
    for old, new in names.items():
        (assets / old).rename(assets / new)
