"""`make run`: PostgreSQL, chDB, the in-process bus and every service in one process.

The same applications on the same ports as in compose; only the bus and the stores are embedded.
"""

import asyncio
import contextlib
import signal
import socket
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

import cockpit.app
import cockpit.settings
import identity.app
import identity.base
import identity.settings
import office.app
import office.base
import office.settings
from identity import bootstrap
from identity.units import worlds
from messaging.inprocess import InProcessBus
from onebox import start, state
from onebox.postgres import Postgres
from onebox.settings import PORTS, Settings
from servicekit import logs
from servicekit.clock import SystemClock
from servicekit.migrations import upgrade

_HOST = "127.0.0.1"
console = Console()


class _Server(uvicorn.Server):
    """One of several servers in a loop: signals are handled once, for all of them."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def urls_of(settings: Settings) -> dict[str, str]:
    """Addresses by service name."""
    return {name: f"http://localhost:{settings.first_port + offset}" for name, offset in PORTS.items()}


def demo_accounts() -> list[tuple[str, str]]:
    """(who, phone) of people worth trying: the centre, a province, two counties, a school."""
    people = worlds.world_s_people()
    wanted = {
        "370000": "山东省",
        "370102": "济南市历下区",
        "370103": "济南市市中区",
        "S3701020001": "历下区一所小学",
    }
    found = [("全国中心 · 管理员、签发人", worlds.centre_staff()[0].phone)]
    for code, name in wanted.items():
        mine = [person for person in people if person.unit_code == code]
        found += [(f"{name} · 管理员、签发人", mine[0].phone), (f"{name} · 经办人", mine[1].phone)]
    return found


def build_services(
    postgres: Postgres, directory: Path, made: state.Secrets, settings: Settings
) -> dict[str, FastAPI]:
    """Assemble all services on one in-process bus."""
    urls = urls_of(settings)
    bus = InProcessBus()
    common: dict[str, Any] = {"mode": "dev", "issuer": urls["identity"], "host": _HOST}
    snapshot = {**common, "identity_url": urls["identity"], "jwks_url": f"{urls['identity']}/jwks"}
    analytics = directory / "analytics"
    analytics.mkdir(exist_ok=True)
    return {
        "identity": identity.app.build(
            identity.settings.Settings(
                database_url=postgres.url("identity"),
                encryption_key=made.encryption_key,
                index_key=made.index_key,
                # One machine is everybody's address here.
                sms_budget_per_address=1_000_000,
                **common,
            ),
            bus,
        ),
        "office": office.app.build(
            office.settings.Settings(
                database_url=postgres.url("office"),
                client_id="office",
                client_secret=made.office_client_secret,
                **snapshot,
            ),
            bus,
        ),
        "cockpit": cockpit.app.build(
            cockpit.settings.Settings(
                database_url=postgres.url("cockpit"),
                client_id="cockpit",
                client_secret=made.cockpit_client_secret,
                analytics_dsn=f"chdb://{analytics}",
                **snapshot,
            ),
            bus,
        ),
    }


MIGRATIONS = {
    "identity": identity.base.MIGRATIONS,
    "office": office.base.MIGRATIONS,
    "cockpit": cockpit.app.MIGRATIONS,
}


async def prepare(app: FastAPI, made: state.Secrets, start_url: str, progress: Progress) -> None:
    """Keys, clients and, in an empty directory, world S."""
    chosen = bootstrap.world("s", dev=True)
    task = progress.add_task("单位与人员（世界 S）", total=len(chosen.units) + len(chosen.people))
    vault, clock = app.state.vault, SystemClock()
    async with app.state.database.transaction() as session:
        await bootstrap.ensure_keys_and_clients(
            session,
            clock,
            vault,
            service_secrets={"office": made.office_client_secret, "cockpit": made.cockpit_client_secret},
            redirect_uris=[f"{start_url}/callback"],
        )
        await bootstrap.load_world(
            session, clock, vault, app.state.settings, chosen, lambda done: progress.advance(task, done)
        )
    progress.update(task, completed=len(chosen.units) + len(chosen.people))


def _check_ports(settings: Settings) -> None:
    for name, offset in PORTS.items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((_HOST, settings.first_port + offset))
            except OSError as error:
                raise SystemExit(
                    f"端口 {settings.first_port + offset}（{name}）已被占用；"
                    "请关闭占用它的程序，或设置 ZHUXUE_ONEBOX_FIRST_PORT。"
                ) from error


@contextlib.asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[dict[str, _Server]]:
    """Everything, for as long as the context lasts. Yields the servers, which are serving."""
    directory = settings.state
    _check_ports(settings)
    with state.held(directory):
        made = state.load_secrets(directory)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=console) as progress:
            setup = progress.add_task("数据库", total=1 + len(MIGRATIONS))
            postgres = Postgres(directory / "postgres", made.database_password)
            await postgres.start()
            try:
                progress.advance(setup)
                for name, migrations in MIGRATIONS.items():
                    await upgrade(migrations, postgres.url(name))
                    progress.advance(setup)
                apps = build_services(postgres, directory, made, settings)
                urls = urls_of(settings)
                await prepare(apps["identity"], made, urls["start"], progress)
                apps["start"] = start.build(urls, demo_accounts())
            except BaseException:
                postgres.stop()
                raise
        servers = {
            name: _Server(
                uvicorn.Config(
                    app,
                    host=_HOST,
                    port=settings.first_port + PORTS[name],
                    log_config=None,
                    access_log=False,
                    server_header=False,
                    timeout_graceful_shutdown=5,
                )
            )
            for name, app in apps.items()
        }
        tasks = {name: asyncio.create_task(server.serve(), name=name) for name, server in servers.items()}
        try:
            await _until_started(servers, tasks)
            yield servers
        finally:
            for server in servers.values():
                server.should_exit = True
            await asyncio.gather(*tasks.values(), return_exceptions=True)
            await asyncio.to_thread(postgres.stop)


async def _until_started(servers: dict[str, _Server], tasks: dict[str, asyncio.Task[None]]) -> None:
    while not all(server.started for server in servers.values()):
        for name, task in tasks.items():
            if task.done():
                raise SystemExit(f"{name} 未能启动：{task.exception() or '见上方日志'}")
        await asyncio.sleep(0.02)


async def main(settings: Settings) -> None:
    """Run until Ctrl-C."""
    began = time.monotonic()
    logs.configure(json=False, level=settings.log_level)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with running(settings):
        urls = urls_of(settings)
        console.print(
            f"\n[bold]助学已启动[/bold]（{time.monotonic() - began:.1f} 秒）  数据在 {settings.state}"
        )
        for name, label in (
            ("start", "起始页"),
            ("identity", "统一身份认证"),
            ("office", "办公系统"),
            ("cockpit", "数字驾驶舱"),
        ):
            docs = "" if name == "start" else "/docs"
            console.print(f"  {label:　<8}{urls[name]}{docs}")
        console.print(f"  {'短信收件箱':　<8}{urls['identity']}/dev/sms")
        console.print("\n演示账号（用短信验证码登录）：")
        for who, phone in demo_accounts():
            console.print(f"  {phone}  {who}")
        console.print("\n按 Ctrl-C 停止。")
        await stop.wait()
        console.print("正在停止……")
    console.print("已停止，数据已保存。")
