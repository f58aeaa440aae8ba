"""`make run`: first page, a second start on the same data, a killed process, one process at a time."""

import asyncio
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import pytest

from contracts.vocabulary import Level, PlatformRole, Role
from onebox.demo.notices import NEVER, PROVINCE, Notices
from onebox.demo.people import System, expect
from onebox.demo.story import CENTRE, CITY, COUNTY, SCHOOL, Story, unit_id
from testkit.backends.process import free_ports
from testkit.backends.prometheus import Prometheus
from testkit.pages import forms as forms_of
from testkit.pages import hidden_fields


def get(url: str, **more: Any) -> httpx.Response:
    """Wait longer than httpx would: everything runs in one process, beside other tests."""
    return httpx.get(url, timeout=60, **more)


class Onebox:
    """One process on a state directory."""

    def __init__(self, directory: Path) -> None:
        self.port = free_ports(4)[0]
        self.environment = os.environ | {
            "ZHUXUE_ONEBOX_STATE_DIR": str(directory),
            "ZHUXUE_ONEBOX_FIRST_PORT": str(self.port),
            "ZHUXUE_ONEBOX_AWARDS": "0",
        }
        self.process = self.spawn()
        self.starting: list[str] = []
        """The pages shown while it started."""

    def spawn(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "onebox"],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def ready(self) -> list[str]:
        """Wait for the start page, which comes when everything serves; the pages shown until then."""
        pages: list[str] = []
        deadline = time.monotonic() + 300
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                answer = get(f"http://127.0.0.1:{self.port}/")
            except httpx.TransportError:
                time.sleep(0.02)
                continue
            if answer.status_code == 200:
                for offset in (1, 2, 3):
                    self.wait_for(f"http://127.0.0.1:{self.port + offset}/readyz", deadline)
                return pages
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
            pages.append(answer.text)
            time.sleep(0.02)
        self.process.kill()
        raise AssertionError(self.process.communicate()[0])

    def wait_for(self, url: str, deadline: float) -> None:
        """A service says that it is not ready when its checks take more than two seconds."""
        while (answer := get(url)).status_code != 200:
            assert time.monotonic() < deadline, answer.text
            time.sleep(0.1)

    def stop(self) -> str:
        self.process.send_signal(signal.SIGINT)
        return self.process.communicate(timeout=60)[0]


async def sent_again(box: Onebox, directory: Path) -> dict[str, tuple[int, int, int]]:
    """Wait for the notices of the demo and send them again, as after an interruption. Notices sent and
    received, and tasks, by unit.
    """
    deadline = time.monotonic() + 300
    while not (directory / "notices-sent").exists():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.1)
    system = System.local(box.port)
    assert await Notices(system, directory / "sent-again").run() == NEVER
    assert (directory / "sent-again").exists()
    found = {}
    for code in (CENTRE, PROVINCE, CITY, COUNTY, SCHOOL):
        async with Story(system).person(code) as person:
            lists = [expect(await person.office("GET", f"/notices/{name}")) for name in ("outbox", "inbox")]
            tasks = expect(await person.office("GET", "/tasks/counts"))
            found[code] = (*(one["total"]["count"] for one in lists), tasks["open"])
    return found


async def take_in(box: Onebox) -> None:
    """Send one file to Cockpit, as `make demo` does: this process has begun without facts."""
    table = files("cockpit").joinpath("data/published/national_2017.csv").read_bytes()
    async with Story(System.local(box.port)).person(CENTRE) as centre:
        answer = await centre.cockpit(
            "POST",
            "/intake/batches",
            params={
                "feed": "published_aggregate",
                "unit": await unit_id(centre, CENTRE),
                "source": "China Daily 2018-03-14",
            },
            content=table,
            headers={"Content-Type": "text/csv; charset=utf-8", "Idempotency-Key": "national-table-2017"},
        )
    assert expect(answer, 201)["accepted"] == 9


def panels_without_data(prometheus: Prometheus) -> list[str]:
    """The queries of the dashboards that find nothing in what all services have measured."""
    folder = Path(__file__).parents[2] / "deploy/observability/grafana/dashboards"
    panels = [
        panel
        for file in folder.glob("*.json")
        for panel in json.loads(file.read_text(encoding="utf-8"))["panels"]
    ]
    queries = [target["expr"] for panel in panels for target in panel["targets"]]
    assert len(queries) > 50
    return [query for query in queries if not prometheus.values(query)]


def panels_after_next_scrape(prometheus: Prometheus) -> list[str]:
    """The same, when Prometheus has read what has happened until now."""
    deadline = time.monotonic() + 60
    while (found := panels_without_data(prometheus)) and time.monotonic() < deadline:
        time.sleep(0.5)
    return found


@pytest.fixture
def watch() -> Iterator[Callable[[Onebox], Prometheus]]:
    """Starts a Prometheus that scrapes all services."""
    started: list[Prometheus] = []

    def make(box: Onebox) -> Prometheus:
        names = ("portal", "identity", "office", "cockpit")
        targets = {name: f"127.0.0.1:{box.port + offset}" for offset, name in enumerate(names)}
        started.append(Prometheus.start(targets))
        return started[-1]

    yield make
    for prometheus in started:
        prometheus.stop()


@pytest.fixture
def start(directory: Path) -> Iterator[Callable[[Path], Onebox]]:
    # After `directory`, so that it is stopped before its data goes.
    started: list[Onebox] = []

    def make(directory: Path) -> Onebox:
        box = Onebox(directory)
        started.append(box)
        box.starting = box.ready()
        return box

    yield make
    for box in started:
        if box.process.poll() is None:
            box.stop()


@pytest.fixture
def directory() -> Iterator[Path]:
    # PostgreSQL runs as `nobody` when we are root, and pytest's own directories are closed to others.
    root = Path(tempfile.mkdtemp(prefix="zhuxue-onebox-"))
    root.chmod(0o755)
    yield root / "state"
    shutil.rmtree(root, ignore_errors=True)


def keys_of(box: Onebox) -> list[str]:
    return [key["kid"] for key in get(f"http://127.0.0.1:{box.port + 1}/jwks").json()["keys"]]


def sign_in(box: Onebox, browser: httpx.Client, account: str, phone: str) -> httpx.Response:
    """Through the start page as a person does; the page at the end."""
    identity = f"http://localhost:{box.port + 1}"
    form_page = browser.get(f"http://localhost:{box.port}/demo/sign-in", params={"account": account})
    assert f'value="{phone}"' in form_page.text
    form = hidden_fields(form_page.text) | {"phone": phone}
    browser.post(f"{identity}/login/code", data=form)
    (message, *_) = browser.get(f"{identity}/dev/sms.json", params={"phone": phone}).json()
    found = re.search(r"\d{6}", message["text"])
    assert found is not None
    return browser.post(f"{identity}/login", data={**form, "code": found.group()})


def one_click(box: Onebox, account: str) -> httpx.Response:
    """The portal's answer to a click on a demo account, after Identity's."""
    with httpx.Client(timeout=60) as browser:
        url = httpx.URL(f"http://localhost:{box.port}/demo/portal", params={"account": account})
        while (answer := browser.get(url)).is_redirect and "/bff/callback" not in answer.headers["location"]:
            url = answer.url.join(answer.headers["location"])
        return answer


@contextmanager
def browsing(urls: list[str]) -> Iterator[httpx.Client]:
    """A browser that remembers where it has been, besides the inbox of dev mode."""

    def remember(request: httpx.Request) -> None:
        if not request.url.path.startswith("/dev/sms"):
            urls.append(str(request.url))

    with httpx.Client(follow_redirects=True, timeout=60, event_hooks={"request": [remember]}) as browser:
        yield browser


def sign_in_and_out(box: Onebox, account: str, phone: str, urls: list[str]) -> str:
    """The page between, and the account's page; afterwards the person is back at the start page."""
    start = f"http://localhost:{box.port}/demo"
    with browsing(urls) as browser:
        page = sign_in(box, browser, account, phone)
        assert str(page.url) == f"{start}/me", "F5 does not redeem the code again"
        assert "您已登录为" in browser.get(f"{start}/").text
        account_page = browser.get(f"http://localhost:{box.port + 1}/account").text
        (form,) = [form for form in forms_of(page.text) if form.action.endswith("/end_session")]
        left = browser.post(form.action, data=form.hidden)
        assert str(left.url) == f"{start}/signed-out"
        assert "您已退出登录" in left.text
        assert "您已登录为" not in browser.get(f"{start}/").text
        assert "/login" in str(browser.get(f"http://localhost:{box.port + 1}/account").url)
    return page.text + account_page


def test_data_survive_ctrl_c_and_kill_and_the_start_page_works(
    start: Callable[[Path], Onebox], watch: Callable[[Onebox], Prometheus], directory: Path
) -> None:
    first = start(directory)
    prometheus = watch(first)
    sent = asyncio.run(sent_again(first, directory))
    assert {code: found[:2] for code, found in sent.items()} == {
        CENTRE: (2, 0),
        PROVINCE: (1, 2),
        CITY: (1, 2),
        COUNTY: (1, 2),
        SCHOOL: (0, 1),
    }
    assert all(tasks for *_, tasks in list(sent.values())[1:]), sent
    portal = f"http://127.0.0.1:{first.port}"
    assert '<div id="app">' in get(f"{portal}/").text, "the portal is the first page"
    accounts = get(f"{portal}/demo/accounts")
    assert "19900000001" not in accounts.text
    page = get(f"{portal}/demo/")
    assert page.status_code == 200
    assert "19900000001" in page.text
    unsigned = {"id": "m-1", "phone": "19900000001", "text": "12345678"}
    refused = httpx.post(f"http://127.0.0.1:{first.port + 1}/sms/inbound", json=unsigned, timeout=60)
    assert refused.status_code == 401, "texts from phones are on, and verified"
    keys = [form.hidden["account"] for form in forms_of(page.text) if form.action == "/demo/sign-in"]
    assert keys == [one["key"] for one in accounts.json()]
    assert len(set(keys)) == len(keys) >= 25
    assert {"system_admin", "security_admin", "audit_admin"} <= set(keys)
    for word in (*Level, *Role, *PlatformRole):
        assert word.label in page.text
    assert all(phone in page.text for phone in ("19900009001", "19900009004", "19900009013"))
    # Once in the cell and once in the name of the button, for each of 部、省、市、县.
    assert page.text.count("驾驶舱用户") == 8
    assert re.search(r"本次启动用时 \d+\.\d 秒", page.text)
    assert any("载入程序" in shown for shown in first.starting)
    assert any("单位与人员" in shown for shown in first.starting)
    assert get(f"http://127.0.0.1:{first.port}/demo/sign-in?account=nobody").status_code == 404
    assert "code=" in one_click(first, keys[1]).headers["location"], "one click signs in to the portal"
    urls: list[str] = []
    platform = sign_in_and_out(first, "system_admin", "19900009011", urls)
    assert all(words in platform for words in ("系统管理员", "不属于任何单位"))
    assert "加入单位" not in platform
    signed_in = sign_in_and_out(first, keys[0], "19900000001", urls)
    assert "单位管理员、签发人" in signed_in
    assert len(urls) > 20
    assert not any("1990000" in url for url in urls), "no address names a number"
    with browsing([]) as browser:
        signed_in = sign_in(first, browser, keys[0], "19900000001").text
    (token,) = re.findall(r"<textarea[^>]*>([^<]+)</textarea>", signed_in)
    for port, path in ((1, "/api/v1/me"), (2, "/api/v1/notices/inbox"), (3, "/api/v1/metrics")):
        url = f"http://127.0.0.1:{first.port + port}{path}"
        answer = get(url, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200, answer.text
    asyncio.run(take_in(first))
    assert panels_after_next_scrape(prometheus) == []
    prometheus.stop()
    kids = keys_of(first)
    said = first.stop()
    assert "Warning" not in said
    assert "\x1b" not in said
    assert first.process.returncode == 0, said
    assert said.startswith("助学正在启动……")
    assert "3056/3056" in said
    assert "已停止，数据已保存" in said

    second = start(directory)
    assert keys_of(second) == kids
    twin = second.spawn()
    assert "端口" in twin.communicate(timeout=30)[0]
    assert twin.returncode == 1
    second.process.kill()
    second.process.communicate()

    # PostgreSQL has outlived its parent and is stopped before the data is used again.
    third = start(directory)
    assert keys_of(third) == kids
    listed = subprocess.run(
        [sys.executable, "-m", "onebox", "dead-letters", "list", "office.directory"],
        env=third.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert listed.stdout == ""
