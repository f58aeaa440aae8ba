"""`python -m cockpit serve|migrate|prune|dead-letters|verify`."""

from cockpit.cli import run

raise SystemExit(run())
