"""Alembic environment: the whole of it is shared."""

from alembic import context

from portal import models  # noqa: F401 - fills the metadata
from portal.base import Base
from servicekit.migrations import run_env

run_env(context.config, Base.metadata)
