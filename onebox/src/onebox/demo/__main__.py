"""`make demo`: the five steps against a running system, with their numbers."""

import argparse
import asyncio
import sys
import time
import warnings
from typing import Any

import httpx
from authlib.deprecate import AuthlibDeprecationWarning
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

# Authlib's httpx integration is moving to httpx's successor; ours works with httpx.
warnings.simplefilter("ignore", AuthlibDeprecationWarning)

from onebox.demo import figures, steps  # noqa: E402
from onebox.demo.people import Failed, System  # noqa: E402
from onebox.demo.story import Story  # noqa: E402
from onebox.settings import Settings  # noqa: E402

console = Console()


def show(value: Any, indent: str = "    ") -> None:
    """Print nested results, a line each."""
    for name, inner in value.items():
        if isinstance(inner, dict):
            console.print(f"{indent}{name}：", highlight=False)
            show(inner, indent + "    ")
        else:
            text = "、".join(map(str, inner)) if isinstance(inner, list) else str(inner)
            console.print(f"{indent}{name}：{text}", highlight=False)


async def main(system: System, wait: bool) -> None:
    """Run the story and print it."""
    story = Story(system)
    console.rule("1  教师注册、凭邀请码加入，县级管理员审核")
    show(await steps.step1_join(story))
    console.rule("2  OIDC 登录（授权码 + PKCE），校验 ID 令牌")
    show(await steps.step2_sign_in(story))
    console.rule("3  通知逐级转发与签收，一县扣压")
    columns = (TextColumn("    {task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("各单位登录、签收、转发", total=1013)
        result = await steps.step3_notice(story, lambda done: progress.advance(task, done))
    show(result)
    console.rule("4  驾驶舱：2017 年全国数据、县级视野、被拒绝的令牌")
    show(await figures.step4_cockpit(story, wait_for_expiry=wait))
    console.rule("5  停用账号，一秒内处处失效")
    show(await steps.step5_suspend(story))


def run() -> int:
    """Parse arguments and run; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m onebox.demo")
    parser.add_argument("--first-port", type=int, default=Settings().first_port)
    parser.add_argument("--wait", action="store_true", help="wait until a token has expired")
    arguments = parser.parse_args()
    began = time.monotonic()
    try:
        asyncio.run(main(System.local(arguments.first_port), arguments.wait))
    except httpx.ConnectError:
        sys.stderr.write("系统没有运行：请先在另一个终端执行 make run。\n")
        return 1
    except Failed as error:
        sys.stderr.write(f"演示未通过：{error}\n")
        return 1
    console.rule(f"全部通过，用时 {time.monotonic() - began:.0f} 秒")
    return 0


raise SystemExit(run())
