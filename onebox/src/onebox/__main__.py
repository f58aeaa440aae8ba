"""`python -m onebox [run]` and `python -m onebox dead-letters list|replay|discard QUEUE`."""

import argparse
import asyncio
import sys
import time


def main() -> int:
    """Run a command; returns the exit status."""
    began = time.monotonic()
    parser = argparse.ArgumentParser(prog="python -m onebox")
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("run", help="every service in one process (the default)")
    commands.add_parser("dead-letters", help="list, replay or discard dead letters", add_help=False)
    arguments, rest = parser.parse_known_args()
    if arguments.command == "dead-letters":
        from onebox.dead_letters import main as dead_letters

        return dead_letters(rest)
    if rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    return _run(began)


def _run(began: float) -> int:
    # Print this before the imports, which take a second.
    sys.stdout.write("助学正在启动……\n")
    sys.stdout.flush()
    import uvloop

    from onebox.postgres import PostgresFailed
    from onebox.run import main as run
    from onebox.settings import Settings
    from onebox.state import AlreadyRunning

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run(Settings(), began))
    except AlreadyRunning as error:
        sys.stderr.write(f"已经在运行：{error}\n")
        return 1
    except PostgresFailed as error:
        sys.stderr.write(f"PostgreSQL 未能启动：{error}\n")
        return 1
    return 0


raise SystemExit(main())
