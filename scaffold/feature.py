"""`make new-feature SERVICE= NAME=`: write a feature with an example of each file, and register it."""

import ast
import re
from pathlib import Path

from scaffold.members import ROOT, Members
from scaffold.names import BadName, Names, checked, singular
from scaffold.writing import Written, copied


def add_feature(
    service: str, name: str, *, one: str | None = None, label: str | None = None, root: Path = ROOT
) -> Written:
    """Write the feature `name` of `service`, its migration and its tests. Raises `BadName`."""
    if service not in Members.load(root).services:
        raise BadName(f"{service!r} is no service")
    names = Names(service, checked(name), one or singular(name), label or Names.label)
    package = root / "services" / service / "src" / service
    # Not the folder itself: when Git removes a feature, its __pycache__ remains.
    if any((package / name).rglob("*.py")):
        raise BadName(f"{service} has {name} already")
    if "idempotency=False" in (package / "base.py").read_text():
        raise BadName(
            f"{service} keeps no idempotency keys: let ServiceTables.of in base.py make their table"
        )
    if names.one == names.plural:
        raise BadName("singular and plural must differ")
    head = head_revision(package.parents[1] / "migrations" / "versions")
    written = Written(root)
    written.add(_numbered(path, head) for path in copied(package.parents[1], names, feature=True))
    written.changed(_route(package / "app.py", names))
    if (package / "models.py").exists():
        written.changed(_register(package / "models.py", names))
    return written


def head_revision(versions: Path) -> str:
    """Return the revision of the newest migration. Raises `BadName` unless there is exactly one head."""
    revisions, followed = set(), set()
    for path in versions.glob("*.py"):
        text = path.read_text()
        revisions |= set(re.findall(r'^revision: str = "(\w+)"', text, re.MULTILINE))
        followed |= set(re.findall(r'^down_revision: [^=]+= "(\w+)"', text, re.MULTILINE))
    heads = revisions - followed
    if len(heads) != 1:
        raise BadName(f"{len(heads)} newest migrations in {versions}")
    return str(heads.pop())


def _numbered(path: Path, head: str) -> Path:
    """Number the template's migration after `head`; return other files unchanged."""
    if path.parent.name != "versions":
        return path
    revision = f"{int(head) + 1:04}"
    text = path.read_text().replace("0000", revision)
    path.write_text(text.replace("down_revision: str | None = None", f'down_revision: str | None = "{head}"'))
    return path.rename(path.with_name(path.name.replace("0000", revision)))


def _route(app: Path, names: Names) -> Path:
    """Add the router to the `routers=…` argument of the application."""
    text = app.read_text()
    listed = [
        keyword.value
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg == "routers"
    ]
    if len(listed) != 1 or not isinstance(listed[0], ast.List | ast.Tuple):
        raise BadName(f"{app}: no call with routers=[…]")
    elements = listed[0].elts
    router = names.plural if not re.search(rf"\b{names.plural}\b", text) else f"{names.plural}_router"
    if elements:
        last = elements[-1]
        assert last.end_lineno is not None
        assert last.end_col_offset is not None
        at, added = _offset(text, last.end_lineno, last.end_col_offset), f", {router}"
    else:
        at, added = _offset(text, listed[0].lineno, listed[0].col_offset) + 1, router
    text = text[:at] + added + text[at:]
    line = f"from {names.service}.{names.plural}.endpoints import router as {router}\n"
    first = re.search(r"^from ", text, re.MULTILINE)
    assert first is not None
    app.write_text(text[: first.start()] + line + text[first.start() :])
    return app


def _register(models: Path, names: Names) -> Path:
    """Import the model in the module that collects the service's models."""
    text = models.read_text()
    one = names.apply("Widget")
    line = f"from {names.service}.{names.plural}.models import {one}\n"
    first = re.search(r"^from ", text, re.MULTILINE)
    if first is None or "__all__ = [" not in text:
        raise BadName(f"{models}: no imports and __all__")
    text = text[: first.start()] + line + text[first.start() :]
    models.write_text(text.replace("__all__ = [", f'__all__ = ["{one}", ', 1))
    return models


def _offset(text: str, line: int, column: int) -> int:
    """Return the index of an `ast` position, whose columns count UTF-8 bytes."""
    lines = text.splitlines(keepends=True)
    return sum(map(len, lines[: line - 1])) + len(lines[line - 1].encode()[:column].decode())
