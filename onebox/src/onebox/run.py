"""`make run`: PostgreSQL, chDB, the in-process bus and every service in one process.

Applications and ports are the same as in compose; only the bus and the stores are embedded. The start page is
served first and shows the progress of the others. Their imports take seconds, while PostgreSQL starts. This
module and those it imports must not import slow modules at the top.
"""

import asyncio
import contextlib
import signal
import socket
import time
import warnings
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from contracts.vocabulary import Audience
from onebox import services, start, state, web
from onebox.postgres import Postgres
from onebox.servers import Servers
from onebox.settings import HOST, PORTS, Settings
from servicekit import logs
from servicekit.nodejs import NodeUnavailable

if TYPE_CHECKING:
    from fastapi import FastAPI

    from messaging.cli import Service

console = Console()


def urls_of(settings: Settings) -> dict[str, str]:
    """Return URLs by service name."""
    return {name: f"http://localhost:{settings.first_port + offset}" for name, offset in PORTS.items()}


def _check_ports(settings: Settings) -> None:
    for name, offset in PORTS.items():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, settings.first_port + offset))
            except OSError as error:
                raise SystemExit(
                    f"端口 {settings.first_port + offset}（{name}）已被占用；"
                    "请关闭占用它的程序，或设置 ZHUXUE_ONEBOX_FIRST_PORT。"
                ) from error


async def _load(progress: Progress) -> "list[Service[Any]]":
    task = progress.add_task("载入程序", total=len(services.STORED))
    loaded = []
    for name in services.STORED:
        loaded.append(await asyncio.to_thread(services.load, name))
        progress.advance(task)
    return loaded


async def _build_pages(progress: Progress) -> None:
    """Build the portal's pages, which takes a while the first time; everything else goes on meanwhile."""
    task = progress.add_task("门户页面", total=1)
    try:
        await asyncio.to_thread(web.build)
    except (web.BuildFailed, NodeUnavailable) as error:
        # The services and their APIs are there all the same; the portal says that it has no pages.
        console.print(f"[bold red]门户页面没有生成[/bold red]：{escape(str(error))}")
    progress.advance(task)


async def _start_postgres(postgres: Postgres, progress: Progress) -> None:
    task = progress.add_task("数据库", total=1)
    await postgres.start()
    progress.advance(task)


async def _migrate(loaded: "list[Service[Any]]", postgres: Postgres, progress: Progress) -> None:
    task = progress.add_task("数据库表", total=len(loaded))
    from messaging.cli import migrate

    for service in loaded:
        await migrate(service, postgres.url(service.name))
        progress.advance(task)


@contextlib.asynccontextmanager
async def running(settings: Settings, began: float) -> AsyncIterator[start.Status]:
    """Run everything until the context exits."""
    directory, urls = settings.state, urls_of(settings)
    _check_ports(settings)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    progress = Progress(*columns, console=console)
    status = start.Status(progress)
    with state.held(directory):
        made = state.load_secrets(directory, services.CLIENTS)
        postgres = Postgres(directory / "postgres", made.database_password, services.STORED)
        around = services.Surroundings(directory, postgres, made, urls)
        try:
            async with Servers() as servers:
                with progress:
                    servers.start("start", start.build(urls, status), settings.first_port)
                    pages = asyncio.create_task(_build_pages(progress))
                    loaded, _ = await asyncio.gather(_load(progress), _start_postgres(postgres, progress))
                    await _migrate(loaded, postgres, progress)
                    apps = services.build(loaded, around)
                    await services.prepare(apps["identity"], around, progress)
                    # Identity first: the others fetch its keys when they start.
                    for names in (("identity",), services.CLIENTS):
                        for name in names:
                            servers.start(name, apps[name], settings.first_port + PORTS[name])
                        await servers.started()
                    await pages
                portal = services.build_portal(around)
                async with (
                    portal.router.lifespan_context(portal),
                    _filling(apps["cockpit"], settings),
                    _sending(settings),
                ):
                    status.ready(services.demo_accounts(), time.monotonic() - began, portal)
                    yield status
        finally:
            await asyncio.to_thread(postgres.stop)


def _filling(cockpit: "FastAPI", settings: Settings) -> contextlib.AbstractAsyncContextManager[None]:
    """Load generated facts while everything runs. What is interrupted is loaded after the next start."""
    from onebox.facts.filling import Filling  # not before the services, whose modules it needs
    from servicekit.background import repeated

    if not settings.awards:
        return contextlib.nullcontext()
    return repeated("generated facts", Filling(cockpit, settings.awards).run, every=1.0)


def _sending(settings: Settings) -> contextlib.AbstractAsyncContextManager[None]:
    """Send a few notices while everything runs, after the first pages that somebody looks at."""
    if not settings.notices:
        return contextlib.nullcontext()
    with warnings.catch_warnings():
        # Authlib warns on the console that it will move to httpx2.
        warnings.simplefilter("ignore", DeprecationWarning)
        from onebox.demo.notices import Notices  # not before the services, whose modules it needs
        from onebox.demo.people import System
    from servicekit.background import repeated

    notices = Notices(System.local(settings.first_port), settings.state / "notices-sent")
    return repeated("notices of the demo", notices.run, every=1.0, first=2.0)


async def main(settings: Settings, began: float) -> None:
    """Run until Ctrl-C. `began` is the start of the process by the monotonic clock."""
    logs.configure(json=False, level=settings.log_level)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with running(settings, began) as status:
        _print_addresses(settings, status)
        await stop.wait()
        console.print("正在停止……")
    console.print("已停止，数据已保存。")


def _print_addresses(settings: Settings, status: start.Status) -> None:
    urls = urls_of(settings)
    console.print(f"\n[bold]助学已启动[/bold]（{status.seconds:.1f} 秒）  数据在 {settings.state}")
    console.print(f"  {'工作门户':　<8}{urls['start']}")
    console.print(f"  {'令牌与接口':　<8}{urls['start']}{start.DEMO}/")
    for audience in Audience:
        console.print(f"  {audience.label:　<8}{urls[audience.service]}/docs")
    console.print(f"  {'短信收件箱':　<8}{urls['identity']}/dev/sms")
    console.print("\n演示账号（用短信验证码登录）：")
    for one in status.accounts:
        console.print(f"  {one.phone}  {one.unit} · {'、'.join(one.roles)}")
    console.print("\n按 Ctrl-C 停止。")
