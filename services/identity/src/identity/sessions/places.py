"""The place of a network address, for a person's own list of sign-ins: approximate, and nothing more.

The operator provides files of ip2region (docs/adr/0026); without them only internal networks have a name.
"""

import ipaddress
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from ip2region import searcher, util

INTERNAL = "内网"
_COUNTRY_CODE = re.compile(r"[A-Z]{2}")
_HOME = "中国"
_NOTHING = ("", "0")


class PlaceResolver(Protocol):
    """Names the place of an address."""

    def place(self, address: str) -> str:
        """Return the place in Chinese; an empty string if it is not known."""


class UnusableTable(ValueError):
    """A file is no table of ip2region that can be read; the message names it."""


class Places:
    """Places by the operator's tables, one for IPv4 and one for IPv6 at most; all of it in memory."""

    def __init__(self, tables: Sequence[Path] = ()) -> None:
        """Read the tables. Raises `UnusableTable`, `OSError`."""
        self._tables: dict[int, searcher.Searcher] = {}
        for path in tables:
            version, table = _read(path)
            if version in self._tables:
                raise UnusableTable(f"{path}: a second table for IPv{version}")
            self._tables[version] = table

    def place(self, address: str) -> str:
        """Return the place of an address, such as `山东省济南市`; `内网` for an internal network."""
        try:
            parsed = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return ""
        if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
            parsed = parsed.ipv4_mapped
        if parsed.is_private or parsed.is_loopback or parsed.is_link_local:
            return INTERNAL
        table = self._tables.get(parsed.version)
        return "" if table is None else place_of(table.search(parsed.packed))


def place_of(region: str) -> str:
    """Return the place of a row: country, province, city, carrier, country code; or, in older tables,
    country, region, province, city, carrier. `0` stands for what is not known.

    A place in China has no country, a municipality is named once, a foreign place is its country.
    """
    parts = [part.strip() for part in region.split("|")]
    if len(parts) < 4 or parts[0] in _NOTHING:
        return ""
    newer = bool(_COUNTRY_CODE.fullmatch(parts[-1]))
    country, (province, city) = parts[0], parts[1:3] if newer else parts[2:4]
    if country != _HOME:
        return country
    known = [part for part in (province, city) if part not in _NOTHING]
    if len(known) == 2 and known[1].removesuffix("市") == known[0].removesuffix("市"):
        del known[0]
    return "".join(known) or country


def _read(path: Path) -> tuple[int, searcher.Searcher]:
    content = path.read_bytes()
    if len(content) < util.HeaderInfoLength + util.VectorIndexLength:
        raise UnusableTable(f"{path}: too short for a table of ip2region")
    header = util.Header(content[: util.HeaderInfoLength])
    version = util.version_from_header(header)
    if header.version not in (util.XdbStructure20, util.XdbStructure30) or version is None:
        raise UnusableTable(f"{path}: no table of ip2region, or of a later release")
    return (4 if version is util.IPv4 else 6), searcher.new_with_buffer(version, content)
