"""`seeded` marks the tests that plant a violation and see it caught; `make lint` leaves them out."""

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "seeded: plants a violation in a copy of the tree")
