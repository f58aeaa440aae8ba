from alembic import context

from sample.app import build  # noqa: F401 - imports every model
from sample.base import Base
from servicekit.migrations import run_env

run_env(context.config, Base.metadata)
