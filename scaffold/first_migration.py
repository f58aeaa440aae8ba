"""Print the first migration of a new service: `python -m scaffold.first_migration NAME`.

Runs in a separate process, because the service has only just been written.
"""

import importlib
import inspect
import re
import sys
from typing import Any, Literal

from alembic.autogenerate.api import render_python_code
from alembic.migration import MigrationContext
from alembic.operations.ops import CreateIndexOp, CreateTableOp, MigrateOperation, UpgradeOps
from sqlalchemy import MetaData
from sqlalchemy.dialects import postgresql

from jobs import migrations as job_migrations
from jobs.queue import JobQueue
from servicekit.db import new_metadata

_TEXT = '''"""Tables of the libraries; the replica of units and people.

Revision: 0001
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

from jobs import migrations as jobs
from servicekit.ltree import LTree

revision: str = "0001"
down_revision: str | None = None
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.execute("CREATE EXTENSION IF NOT EXISTS ltree")
    {tables}
    {jobs}
'''


def render(metadata: MetaData) -> str:
    """Render the migration that creates all tables of `metadata`; job tables by their library's functions."""
    of_jobs = new_metadata()
    JobQueue(of_jobs)
    operations: list[MigrateOperation] = []
    for table in metadata.sorted_tables:
        if table.name not in of_jobs.tables:
            operations.append(CreateTableOp.from_table(table))
            indexes = sorted(table.indexes, key=lambda index: str(index.name))
            operations += [CreateIndexOp.from_index(index) for index in indexes]
    code = render_python_code(
        UpgradeOps(operations),
        render_item=_render,
        migration_context=MigrationContext.configure(dialect=postgresql.dialect()),  # type: ignore[no-untyped-call]
    )
    tables = re.sub(r"^\s*# ###.*\n?", "", code, flags=re.MULTILINE).strip()
    released = [
        name
        for name, function in inspect.getmembers(job_migrations, inspect.isfunction)
        if re.fullmatch(r"\w+_v\d+", name) and function.__module__ == job_migrations.__name__
    ]
    released.sort(key=lambda name: int(name.rpartition("v")[2]))
    return _TEXT.format(tables=tables, jobs="\n    ".join(f"jobs.{name}()" for name in released))


def _render(kind: str, item: Any, _: object) -> str | Literal[False]:
    """Render ltree in the house style; leave other types to alembic."""
    return "LTree()" if kind == "type" and type(item).__name__ == "LTree" else False


if __name__ == "__main__":
    importlib.import_module(f"{sys.argv[1]}.app")  # imports every model
    sys.stdout.write(render(importlib.import_module(f"{sys.argv[1]}.base").Base.metadata))
