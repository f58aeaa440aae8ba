"""Times that callers send."""

from datetime import datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime
from pydantic_core import PydanticCustomError

_YEARS = range(2000, 3001)


def bounded(value: datetime) -> datetime:
    """Return a time unchanged.

    Raises ValueError without a time zone, and outside the years 2000–3000: near the limits of `datetime` the
    conversion to UTC fails, and the driver cannot send the value.
    """
    if value.tzinfo is None or value.year not in _YEARS:
        raise PydanticCustomError("time_out_of_range", "时间须带时区，年份在 2000 至 3000 之间")
    return value


Instant = Annotated[AwareDatetime, AfterValidator(bounded)]
"""A time in a body or a parameter: with a zone, in the years 2000–3000. Others get 422."""
