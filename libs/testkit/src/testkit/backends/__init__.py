"""Find a PostgreSQL or RabbitMQ to test against, or start one; never skip."""

from testkit.backends.base import (
    Backend,
    MisconfiguredError,
    NoBackendError,
    UnavailableError,
    Way,
    first_available,
)

__all__ = ["Backend", "MisconfiguredError", "NoBackendError", "UnavailableError", "Way", "first_available"]
