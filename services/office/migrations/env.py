from alembic import context

from office.app import build  # noqa: F401 - imports every model
from office.base import Base
from servicekit.migrations import run_env

run_env(context.config, Base.metadata)
