"""`python -m cockpit serve|migrate|prune|dead-letters`."""

from cockpit.cli import run

raise SystemExit(run())
