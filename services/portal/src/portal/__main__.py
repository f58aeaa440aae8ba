"""`python -m portal serve|migrate`."""

from portal.cli import run

raise SystemExit(run())
