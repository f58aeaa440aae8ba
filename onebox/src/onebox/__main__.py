"""`python -m onebox [run]` and `python -m onebox dead-letters list|replay QUEUE`."""

import argparse
import asyncio
import sys
import warnings

import uvloop
from authlib.deprecate import AuthlibDeprecationWarning

from messaging.cli import add_dead_letters
from onebox.postgres import PostgresFailed
from onebox.settings import Settings
from onebox.state import AlreadyRunning


def main() -> int:
    """Run a command; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m onebox")
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("run", help="every service in one process (the default)")
    add_dead_letters(commands)
    arguments = parser.parse_args()
    settings = Settings()
    if arguments.command == "dead-letters":
        from onebox.letters import dead_letters  # starts no server, needs no chDB

        asyncio.run(dead_letters(settings, arguments))
        return 0
    # Authlib's httpx integration is moving to httpx's successor; ours works with httpx.
    warnings.simplefilter("ignore", AuthlibDeprecationWarning)
    from onebox.run import main as run  # chDB takes a second to import: not for other commands

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run(settings))
    except AlreadyRunning as error:
        sys.stderr.write(f"已经在运行：{error}\n")
        return 1
    except PostgresFailed as error:
        sys.stderr.write(f"PostgreSQL 未能启动：{error}\n")
        return 1
    return 0


raise SystemExit(main())
