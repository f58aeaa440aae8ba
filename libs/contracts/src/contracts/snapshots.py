"""Published event schemas as files, and the compatibility rule for changes.

`python -m contracts.snapshots check DIRECTORY ASYNCAPI` prints the differences; `write` updates the files,
but refuses a breaking change: within a version, an event may only gain optional fields.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from contracts.asyncapi import document, schema
from contracts.base import registry

# Annotations, which are not part of the shape and may change.
_WORDS = {"title", "description", "examples", "default"}


def breaking_changes(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Return the changes in `new` that break a consumer or producer of `old`; empty if compatible.

    The only allowed change is a new optional field, also of a model inside. Both are JSON Schemas of the
    `data` of an event.
    """
    found: list[str] = []
    before, after = _properties(old), _properties(new)
    found += [f"field {name!r} was removed" for name in before if name not in after]
    found += [
        f"field {name!r} changed its type"
        for name in before
        if name in after and not _fits(_shape(before[name], old), _shape(after[name], new))
    ]
    was, is_ = set(old.get("required", [])), set(new.get("required", []))
    found += [f"field {name!r} is new and required" for name in sorted(is_ - set(before))]
    found += [f"field {name!r} became required" for name in sorted((is_ - was) & set(before))]
    found += [f"field {name!r} is no longer always sent" for name in sorted((was - is_) & set(after))]
    return found


def check(directory: Path, asyncapi: Path | None = None) -> list[str]:
    """Return the differences between the models and the files in `directory`."""
    published = _read(directory)
    wrong = _broken(published)
    for model in registry.all():
        snapshot = published.get(model.type)
        if snapshot is None:
            wrong.append(f"{model.type}: has no snapshot yet; run `make snapshots`")
        elif snapshot != schema(model) and not breaking_changes(snapshot, schema(model)):
            wrong.append(f"{model.type}: the snapshot is out of date; run `make snapshots`")
    if asyncapi is not None and (not asyncapi.exists() or asyncapi.read_text() != _text(document())):
        wrong.append(f"{asyncapi.name}: out of date; run `make snapshots`")
    return wrong


def write(directory: Path, asyncapi: Path | None = None) -> list[str]:
    """Update the files; if there are breaking changes, return them and write nothing."""
    broken = _broken(_read(directory))
    if broken:
        return broken
    directory.mkdir(parents=True, exist_ok=True)
    for model in registry.all():
        (directory / f"{model.type}.json").write_text(_text(schema(model)))
    if asyncapi is not None:
        asyncapi.parent.mkdir(parents=True, exist_ok=True)
        asyncapi.write_text(_text(document()))
    return []


def main(argv: Sequence[str] | None = None) -> int:
    """Run `check` or `write`; return exit status 1 for any problem."""
    parser = argparse.ArgumentParser(prog="python -m contracts.snapshots")
    parser.add_argument("action", choices=["check", "write"])
    parser.add_argument("directory", type=Path, help="one JSON Schema per event type")
    parser.add_argument("asyncapi", type=Path, nargs="?", help="the generated AsyncAPI document")
    arguments = parser.parse_args(argv)
    action = check if arguments.action == "check" else write
    wrong = action(arguments.directory, arguments.asyncapi)
    for line in wrong:
        sys.stderr.write(f"{line}\n")
    return 1 if wrong else 0


def _read(directory: Path) -> dict[str, dict[str, Any]]:
    return {path.stem: json.loads(path.read_text()) for path in sorted(directory.glob("*.json"))}


def _broken(published: dict[str, dict[str, Any]]) -> list[str]:
    broken: list[str] = []
    for type_, snapshot in published.items():
        model = registry.get(type_)
        if model is None:
            broken.append(
                f"{type_}: was published and its model is gone; it stays while anyone may consume it"
            )
            continue
        broken += [
            f"{type_}: {change}; leave it as it is and make {_next(type_)}"
            for change in breaking_changes(snapshot, schema(model))
        ]
    return broken


def _properties(schema_: dict[str, Any]) -> dict[str, Any]:
    properties: dict[str, Any] = schema_.get("properties", {})
    return properties


def _fits(old: Any, new: Any) -> bool:
    """Return whether a shape is the other one, or has new optional fields inside."""
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(_fits, old, new))
    if not isinstance(old, dict) or not isinstance(new, dict):
        return bool(old == new)
    if old.keys() != new.keys():
        return False
    before, after = _properties(old), _properties(new)
    fields = before.keys() <= after.keys() and all(_fits(before[name], after[name]) for name in before)
    # What it requires is compared like the rest: a new field that is not in the list is optional.
    return fields and all(_fits(old[name], new[name]) for name in old if name != "properties")


def _shape(part: Any, root: dict[str, Any]) -> Any:
    """Return `part` without annotations and with references resolved, to compare only the wire format."""
    if isinstance(part, list):
        return [_shape(item, root) for item in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return _shape(root["$defs"][part["$ref"].rsplit("/", 1)[-1]], root)
    shape = {
        # Names below `properties` are fields, and a field may be called `title`.
        key: {name: _shape(field, root) for name, field in value.items()}
        if key == "properties"
        else _shape(value, root)
        for key, value in part.items()
        if key not in _WORDS
    }
    return _opened(shape) if "anyOf" in shape else shape


def _opened(shape: dict[str, Any]) -> Any:
    """Return `shape` without the known values of an open vocabulary, which allows any string."""
    kinds = shape["anyOf"]
    if {"type": "string"} in kinds:
        kinds = [kind for kind in kinds if not ("enum" in kind and kind.get("type") == "string")]
    return kinds[0] if len(kinds) == 1 else {**shape, "anyOf": kinds}


def _next(type_: str) -> str:
    stem, _, version = type_.rpartition(".v")
    return f"{stem}.v{int(version) + 1}"


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    sys.exit(main())
