"""`make run`: first page, a second start on the same data, a killed process, one process at a time."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from testkit.backends.process import free_ports
from testkit.pages import forms as forms_of
from testkit.pages import hidden_fields


class Onebox:
    """One process on a state directory."""

    def __init__(self, directory: Path) -> None:
        self.port = free_ports(4)[0]
        self.environment = os.environ | {
            "ZHUXUE_ONEBOX_STATE_DIR": str(directory),
            "ZHUXUE_ONEBOX_FIRST_PORT": str(self.port),
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
        deadline = time.monotonic() + 120
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                answer = httpx.get(f"http://127.0.0.1:{self.port}/")
            except httpx.TransportError:
                time.sleep(0.02)
                continue
            if answer.status_code == 200:
                for offset in (1, 2, 3):
                    httpx.get(f"http://127.0.0.1:{self.port + offset}/readyz").raise_for_status()
                return pages
            assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
            pages.append(answer.text)
            time.sleep(0.02)
        self.process.kill()
        raise AssertionError(self.process.communicate()[0])

    def stop(self) -> str:
        self.process.send_signal(signal.SIGINT)
        return self.process.communicate(timeout=60)[0]


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
    return [key["kid"] for key in httpx.get(f"http://127.0.0.1:{box.port + 1}/jwks").json()["keys"]]


def sign_in(box: Onebox, phone: str) -> str:
    """Through the start page as a person does; the page at the end."""
    identity = f"http://localhost:{box.port + 1}"
    with httpx.Client(follow_redirects=True, timeout=30) as browser:
        form_page = browser.get(f"http://localhost:{box.port}/sign-in")
        form = hidden_fields(form_page.text) | {"phone": phone}
        browser.post(f"{identity}/login/code", data=form)
        (message, *_) = browser.get(f"{identity}/dev/sms.json", params={"phone": phone}).json()
        found = re.search(r"\d{6}", message["text"])
        assert found is not None
        return browser.post(f"{identity}/login", data={**form, "code": found.group()}).text


def test_data_survive_ctrl_c_and_kill_and_the_start_page_works(
    start: Callable[[Path], Onebox], directory: Path
) -> None:
    first = start(directory)
    page = httpx.get(f"http://127.0.0.1:{first.port}/")
    assert page.status_code == 200
    assert "19900000001" in page.text
    forms = {form.hidden["phone"] for form in forms_of(page.text) if form.action == "/sign-in"}
    assert {"19900000001", "19900009001", "19900009002", "19900009003", "19900009004"} <= forms
    assert "审核人" in page.text
    assert page.text.count("驾驶舱用户") >= 4
    assert re.search(r"本次启动用时 \d+\.\d 秒", page.text)
    assert any("载入程序" in shown for shown in first.starting)
    assert any("单位与人员" in shown for shown in first.starting)
    assert (
        httpx.get(f"http://127.0.0.1:{first.port}/sign-in")
        .headers["location"]
        .startswith(f"http://localhost:{first.port + 1}/authorize?")
    )
    signed_in = sign_in(first, "19900000001")
    assert "单位管理员、签发人" in signed_in
    (token,) = re.findall(r"<textarea[^>]*>([^<]+)</textarea>", signed_in)
    for port, path in ((1, "/api/v1/me"), (2, "/api/v1/notices/inbox"), (3, "/api/v1/metrics")):
        url = f"http://127.0.0.1:{first.port + port}{path}"
        answer = httpx.get(url, headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 200, answer.text
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
