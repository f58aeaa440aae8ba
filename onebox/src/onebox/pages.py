"""Writes which operations pages may call through the portal: `python -m onebox.pages FILE`."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from onebox.reference import documents

_PREFIX = "/api/v1/"
_FOR_MACHINES = (f"{_PREFIX}snapshot/", f"{_PREFIX}intake/pushes")
"""What only services and other platforms call."""
_METHODS = frozenset({"get", "put", "post", "patch", "delete"})


def allowed(found: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, list[str]]]:
    """Return the methods of each path of each service that a person in a browser may call."""
    return {
        service: {
            path: sorted(method.upper() for method in operations if method in _METHODS)
            for path, operations in sorted(document["paths"].items())
            if path.startswith(_PREFIX) and not path.startswith(_FOR_MACHINES)
        }
        for service, document in found.items()
    }


def text_of(found: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the content of the file."""
    return json.dumps(allowed(found), ensure_ascii=False, indent=1) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(text_of(documents()))
