"""Packaged reference data: divisions and universities. `data/README.md` lists the sources."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from identity.units.rules import Division, University, parse_divisions, parse_universities

_DATA = files("identity.units").joinpath("data")


@cache
def divisions() -> tuple[Division, ...]:
    """All 3,212 divisions: 34 provinces, 333 cities, 2,845 counties."""
    with _DATA.joinpath("divisions.csv").open(encoding="utf-8") as lines:
        return parse_divisions(lines)


@cache
def divisions_by_code() -> Mapping[str, Division]:
    """Return the divisions by code."""
    return MappingProxyType({division.code: division for division in divisions()})


@cache
def universities() -> tuple[University, ...]:
    """All 2,756 universities of every authority."""
    with _DATA.joinpath("universities.csv").open(encoding="utf-8") as lines:
        return parse_universities(lines)
