"""The tests of the pages' components, which Vitest runs (`services/portal/web/src/**/*.test.ts`)."""

from onebox import web


def test_components_pass() -> None:
    web.test()
