"""A browser-only application on oidc-client-ts, the guide's page as it stands, in Chromium (PKCE, CORS)."""

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from testkit.backends import node as node_backend
from testkit.browsers import NewPage

from .conftest import PACKAGE, PATIENCE, Issuer, blocks

SCRIPT = "oidc-client-ts.min.js"
NAME = re.compile("^(?!未登录|登录未完成)[\u4e00-\u9fff·]{2,}$")


class Quiet(SimpleHTTPRequestHandler):
    """Serves files and writes no log."""

    def log_message(self, *_: object) -> None:
        """Write nothing."""


@dataclass
class Application:
    """The page at its own origin."""

    url: str
    issuer: Issuer

    async def opened(self, new_page: NewPage) -> Page:
        """The page in a browser whose person is signed in at the issuer."""
        browser = self.issuer.browser()
        browser.visit(f"{self.issuer.url}/account")
        page = await new_page()
        for cookie in browser.http.cookies.jar:
            await page.context.add_cookies(
                [{"name": cookie.name, "value": cookie.value or "", "url": self.issuer.url}]
            )
        await page.goto(self.url)
        await expect(page.get_by_role("status")).to_have_text("未登录", timeout=PATIENCE * 1000)
        return page


@pytest.fixture
def application(issuer: Issuer, node_program: Path, tmp_path: Path) -> Iterator[Application]:
    node_backend.install_package(node_program, PACKAGE)
    script = PACKAGE / "node_modules" / "oidc-client-ts" / "dist" / "browser" / SCRIPT
    (tmp_path / SCRIPT).write_bytes(script.read_bytes())
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path)))
    url = f"http://localhost:{server.server_port}/"
    client = issuer.register(
        token_endpoint_auth_method="none", redirect_uris=[url], post_logout_redirect_uris=[url]
    )
    (page,) = blocks("html")
    for placeholder, value in {
        "https://id.example.cn": issuer.url,
        "<client_id>": client["client_id"],
    }.items():
        assert placeholder in page
        page = page.replace(placeholder, value)
    (tmp_path / "index.html").write_text('<meta charset="utf-8">' + page, encoding="utf-8")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield Application(url, issuer)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


async def test_a_person_signs_in_and_out_and_may_refuse(application: Application, new_page: NewPage) -> None:
    page = await application.opened(new_page)
    status = page.get_by_role("status")
    await page.get_by_role("button", name="登录", exact=True).click()
    await page.get_by_role("button", name="拒绝").click()
    await expect(status).to_have_text("登录未完成（access_denied），请重试。", timeout=PATIENCE * 1000)
    await page.get_by_role("button", name="登录", exact=True).click()
    await page.get_by_role("button", name="同意授权").click()
    # The scripts have redeemed the code and read userinfo, across origins.
    await expect(status).to_have_text(NAME, timeout=PATIENCE * 1000)
    await expect(page).to_have_url(application.url)
    await page.get_by_role("button", name="退出登录").click()
    await expect(page).to_have_url(application.url, timeout=PATIENCE * 1000)
    await expect(status).to_have_text("未登录")
