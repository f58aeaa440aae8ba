"""`python -m identity serve|migrate|bootstrap|dead-letters`."""

from identity.cli import run

raise SystemExit(run())
