"""What identifies a record: the feed, its unit and the columns of the feed's key. Pure.

The same text is made of the columns of a file and of the facts of the store, so that the two can be compared.
"""

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from cockpit.feeds.declarations import Feed

STRIPES = 256
"""Groups of units of one feed of which a commit takes hold. All units of a county are in one of them."""
_APART = "\x1f"
_PREFIX = 6


def keys_of(feed: Feed, values: Mapping[str, pa.Array], unit_code: str) -> pa.Array:
    """Return the identity of each row, as a text; `unit_code` is that of feeds without a column for it."""
    by_name = {feed.stored(name): values[name] for name in feed.key}
    ours = pa.array([unit_code] * len(values[feed.key[0]]), pa.string())
    texts = [pc.fill_null(pc.cast(by_name.get(name, ours), pa.string()), "") for name in feed.identity]
    return pc.binary_join_element_wise(*texts, _APART)


def key_of(fact: Mapping[str, Any], feed: Feed) -> str:
    """Return the identity of a fact."""
    return _APART.join(str(fact[name]) for name in feed.identity)


def stripe_of(unit_code: str) -> int:
    """Return the stripe of a unit. It depends on the code only, which never changes."""
    return zlib.crc32(unit_code[:_PREFIX].encode()) % STRIPES


def stripes_of(unit_codes: Sequence[str]) -> set[int]:
    """Return the stripes of units."""
    return {stripe_of(code) for code in unit_codes}
