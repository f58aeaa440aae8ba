"""`python -m identity serve|migrate|prune|dead-letters|bootstrap|keys|partitions|reset-authenticators|
rotate-encryption-key|appoint-platform-admin|dismiss-platform-admin|verify-audit|drop-audit-month|
index-search|import-units`.
"""

from identity.cli import run

raise SystemExit(run())
