"""`python -m sample serve|migrate|prune|dead-letters`."""

from sample.cli import run

raise SystemExit(run())
