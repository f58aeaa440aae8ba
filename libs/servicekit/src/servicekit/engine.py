"""Engines whose errors contain no values: errors are logged, and parameters can be personal data.

The error of a failed statement contains values in three places: SQLAlchemy appends the parameters,
PostgreSQL's DETAIL quotes rows and keys, and messages about invalid values quote them.
"""

from typing import Any

from sqlalchemy import event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

# SQLSTATE class 22, "data exception": the message itself quotes the value.
_DATA_EXCEPTION = "22"
_HIDDEN = "a value does not fit its type (not shown)"


def new_engine(url: str, **options: Any) -> AsyncEngine:
    """Create an engine for `url`; `options` are those of `create_async_engine`."""
    engine = create_async_engine(url, hide_parameters=True, **options)
    # By the dialect, which SQLAlchemy takes an engine to mean: a listener is then added once to each.
    event.listen(engine.dialect, "handle_error", _hide_values)
    return engine


def _hide_values(context: ExceptionContext) -> None:
    translated = context.original_exception
    hide_values(translated.__cause__ or translated, translated, context.sqlalchemy_exception)


def hide_values(by_driver: BaseException, *translated: BaseException | None) -> None:
    """Take the values out of an error of the driver, and out of those that it was translated to."""
    # str() of the driver's error prints it, and tracebacks show that error as the cause.
    if getattr(by_driver, "detail", None):
        by_driver.detail = None  # type: ignore[attr-defined]
    state = getattr(by_driver, "sqlstate", None)
    # Errors that the driver itself raises for a value have no SQLSTATE.
    if isinstance(by_driver, ValueError) or (state or "").startswith(_DATA_EXCEPTION):
        for error in (by_driver, *translated):
            if error is not None:
                error.args = (_HIDDEN,)
