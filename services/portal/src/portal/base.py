"""The declarative base of the portal. It publishes and consumes no events and has no jobs."""

from pathlib import Path

from sqlalchemy.orm import DeclarativeBase

from servicekit.db import new_metadata

MIGRATIONS = Path(__file__).parents[2] / "migrations"


class Base(DeclarativeBase):
    """Declarative base of the portal's tables."""

    metadata = new_metadata()
