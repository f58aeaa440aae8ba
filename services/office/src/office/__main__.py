"""`python -m office serve|migrate|prune|dead-letters`."""

from office.cli import run

raise SystemExit(run())
