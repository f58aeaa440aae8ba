"""Tables of ip2region for tests, in the format that its tool writes (structure 3.0)."""

import ipaddress
import struct
from collections.abc import Sequence
from pathlib import Path

_HEADER, _CELLS, _CELL = 256, 256 * 256, 8


def write_table(path: Path, rows: Sequence[tuple[str, str, str]]) -> Path:
    """Write a table of ranges (first address, last address, region), each within one /16 (IPv6: /16, too)."""
    version = ipaddress.ip_address(rows[0][0]).version
    regions = {region: region.encode() for _, _, region in rows}
    body, places = bytearray(_HEADER + _CELLS * _CELL), {}
    for region, text in regions.items():
        places[region] = len(body)
        body += text
    start = len(body)
    cells: dict[int, list[int]] = {}
    ordered = sorted(rows, key=lambda row: int(ipaddress.ip_address(row[0])))
    for first, last, region in ordered:
        low, high = ipaddress.ip_address(first).packed, ipaddress.ip_address(last).packed
        assert low[:2] == high[:2]
        cells.setdefault(low[0] * 256 + low[1], []).append(len(body))
        if version == 4:
            low, high = low[::-1], high[::-1]
        body += low + high + struct.pack("<HI", len(regions[region]), places[region])
    size = 14 if version == 4 else 38
    for cell, entries in cells.items():
        struct.pack_into("<II", body, _HEADER + cell * _CELL, entries[0], entries[-1])
    struct.pack_into("<HHIIIHH", body, 0, 3, 1, 0, start, len(body) - size, version, 4)
    path.write_bytes(body)
    return path
