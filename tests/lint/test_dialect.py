"""One dialect for all services: a class per feature and request (docs/adr/0013-service-dialect.md).

A service's classes are built where a request, a message or a command begins, and nowhere else; so no function
passes a session on.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from testkit.syntax import parse

ROOT = Path(__file__).parents[2]
BUILDERS = {"dependencies", "consumers", "jobs", "bootstrap", "app"}
"""Modules that build services, and those whose name begins with `cli`."""
SESSIONS = {"AsyncSession", "Session"}

Found = Iterator[tuple[int, str]]


def violations(root: Path) -> list[str]:
    """Every breach in the services below `root`, as `path:line: what`."""
    modules = {path: parse(path.read_text()) for path in sorted(root.glob("services/*/src/**/*.py"))}
    services = {
        (_dotted(path), node.name)
        for path, tree in modules.items()
        if path.stem == "service"
        for node in tree.body
        if isinstance(node, ast.ClassDef) and _is_service(node)
    }
    found: list[str] = []
    for path, tree in modules.items():
        breaches: list[tuple[int, str]] = []
        if path.stem not in BUILDERS and not path.stem.startswith("cli"):
            breaches += _built(path, tree, services)
        if path.stem == "service":
            breaches += _sessions_passed(tree)
        name = path.relative_to(root).as_posix()
        found += [f"{name}:{line}: {what}" for line, what in sorted(breaches)]
    return found


def _dotted(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[len(parts) - parts[::-1].index("src") :])


def _is_service(node: ast.ClassDef) -> bool:
    """A class with a constructor of its own; dataclasses and exceptions carry values."""
    return any(isinstance(part, ast.FunctionDef) and part.name == "__init__" for part in node.body)


def _built(path: Path, tree: ast.Module, services: set[tuple[str, str]]) -> Found:
    own = _dotted(path)
    names = {name: name for module, name in services if module == own}
    modules: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                if (node.module, alias.name) in services:
                    names[alias.asname or alias.name] = alias.name
                modules[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in names:
                yield node.lineno, f"{names[name]} is built outside of dependencies.py"
            case ast.Call(func=ast.Attribute(value=ast.Name(id=module), attr=name)):
                if (modules.get(module, ""), name) in services:
                    yield node.lineno, f"{name} is built outside of dependencies.py"


def _sessions_passed(tree: ast.Module) -> Found:
    """Public functions, and methods but the constructor, that take a session."""
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    for node in [*tree.body, *(part for one in classes for part in one.body)]:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or node.name.startswith("_"):
            continue
        for argument in [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]:
            if argument.arg == "session" or _names(argument.annotation) & SESSIONS:
                yield node.lineno, f"{node.name}() takes a session: make it a method of a class that has one"


def _names(annotation: ast.expr | None) -> set[str]:
    parts = [] if annotation is None else ast.walk(annotation)
    return {part.id for part in parts if isinstance(part, ast.Name)}


def test_services_are_built_where_a_request_begins() -> None:
    found = violations(ROOT)
    assert not found, "\n" + "\n".join(found)


# --- the rules themselves are seen to work ---

SERVICE = """
class Orders:
    def __init__(self, session):
        self._session = session

    async def place(self, what):
        return Placed(what)


@dataclass
class Placed:
    what: str
"""
BUILDS = "from shop.orders.service import Orders\ndef orders(session):\n    return Orders(session)\n"
SEEDS = {
    "in an endpoint": ("orders/endpoints.py", BUILDS),
    "in another service": (
        "stock/service.py",
        "from shop.orders.service import Orders as Other\nclass Stock:\n    def f(self):\n        Other(1)\n",
    ),
    "by module": ("orders/pages.py", "from shop.orders import service\nx = service.Orders(1)\n"),
    "in its own module": (
        "stock/service.py",
        "class Stock:\n    def __init__(self): ...\ndef _f():\n    return Stock()\n",
    ),
    "function with a session": ("stock/service.py", "async def take(session, what): ...\n"),
    "method with a session": (
        "stock/service.py",
        "class Stock:\n    async def take(self, on: AsyncSession | Session) -> None: ...\n",
    ),
}
FINE = {
    "orders/dependencies.py": BUILDS,
    "orders/consumers.py": BUILDS,
    "orders/jobs.py": BUILDS,
    "cli_orders.py": BUILDS,
    "stock/service.py": (
        "from shop.orders.service import Placed\n"
        "class Stock:\n    def __init__(self, session: AsyncSession) -> None: ...\n"
        "def _columns(session): ...\ndef placed():\n    def on(session): ...\n    return Placed('x')\n"
    ),
    "stock/repository.py": (
        "class Rows:\n    def __init__(self, session): ...\ndef f(session):\n    Rows(session)\n"
    ),
}


def _tree(root: Path, files: dict[str, str]) -> list[str]:
    for name, source in {"orders/service.py": SERVICE, **files}.items():
        path = root / "services/shop/src/shop" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source)
    return violations(root)


@pytest.mark.seeded
@pytest.mark.parametrize("what", SEEDS)
def test_a_breach_is_found(tmp_path: Path, what: str) -> None:
    name, source = SEEDS[what]
    found = _tree(tmp_path, {name: source})
    assert len(found) == 1, found
    assert found[0].startswith(f"services/shop/src/shop/{name}:")


@pytest.mark.seeded
def test_what_is_allowed_is_not_found(tmp_path: Path) -> None:
    assert _tree(tmp_path, FINE) == []
