"""Advisory locks of different things never wait for each other, whatever the hashes of their ids."""

import re
from collections import Counter
from pathlib import Path

import office

KEY = re.compile(r"^_?[A-Z]+(?:: Final)? = (0x[0-9A-F_]+)$", re.MULTILINE)


def test_each_kind_of_advisory_lock_has_a_key_of_its_own() -> None:
    sources = Path(office.__file__).parent.rglob("*.py")
    keys = Counter(key for source in sources for key in KEY.findall(source.read_text(encoding="utf-8")))
    assert len(keys) >= 5
    assert keys.most_common(1)[0][1] == 1, keys
