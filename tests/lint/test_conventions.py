"""House rules that neither ruff nor import-linter can state (docs/architecture.md)."""

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from testkit.syntax import parse

ROOT = Path(__file__).parents[2]
MAX_LINES, MAX_TEST_LINES = 400, 500
# Who may end a transaction: one request or message is one.
COMMITTERS = (
    "libs/servicekit/src/servicekit/db.py",
    "libs/servicekit/src/servicekit/migrations.py",
    "libs/messaging/src/",
)
ENDS = {"commit", "rollback"}
QUERIES = {"execute", "scalar", "scalars", "stream", "stream_scalars", "connection"}
# Values go in as parameters. (DDL takes none, and holds no values.)
SQL = re.compile(r"\s*(SELECT|INSERT\s+INTO|UPDATE|DELETE\s+FROM|WITH)\s", re.IGNORECASE)
TRANSACTIONAL = re.compile(r"(session|connection|conn|transaction|db)$")
RAW_SQL = {"text", "exec_driver_sql", "literal_column"}
# Loops that wait: work of a process belongs to `servicekit.background`, other work to `libs/jobs`.
LOOPS = {
    "libs/servicekit/src/servicekit/background.py": "the one loop",
    "libs/testkit/src/testkit/backends/base.py": "waits for a server that a test starts",
    "onebox/src/onebox/postgres.py": "waits for the server that it starts",
}
# What these send has the trace of what they do.
TRACED = ("services/", *(f"libs/{name}/" for name in ("authkit", "messaging", "replica", "resourceserver")))
# What nobody but the feature itself touches: its queries and its entrances. Its service, its models and
# what they speak in (errors, schemas, rules, auth) are there for others too.
CLOSED = {"repository", "endpoints", "consumers"}


def violations(root: Path) -> list[str]:
    """Every breach below `root`, as `path:line: what`."""
    found: list[str] = []
    for path in _files(root):
        name = path.relative_to(root).as_posix()
        source = path.read_text()
        most = MAX_LINES if "/src/" in name else MAX_TEST_LINES
        if source.count("\n") > most:
            found.append(f"{name}:{most + 1}: longer than {most} lines")
        if "/src/" in name:
            reasoned = {
                number for number, line in enumerate(source.splitlines(), 1) if "noqa: S608 - " in line
            }
            found += [
                f"{name}:{line}: {what}" for line, what in _breaches(root, name, parse(source), reasoned)
            ]
        elif "/migrations/" in name:
            found += [f"{name}:{line}: {what}" for line, what in _leaves_transaction(parse(source))]
    return found


def _leaves_transaction(migration: ast.Module) -> Iterator[tuple[int, str]]:
    """What runs outside of a migration's transaction, and so without its lock and timeout."""
    for node in ast.walk(migration):
        match node:
            case ast.Call() if _called(node) == "autocommit_block":
                line = node.lineno
            case ast.keyword(arg="postgresql_concurrently"):
                line = node.lineno
            case ast.Constant(value=str(text)) if re.search(r"\bINDEX\s+CONCURRENTLY\b", text, re.IGNORECASE):
                line = node.lineno
            case _:
                continue
        yield line, "use servicekit.migrations.create_index_concurrently"


def _files(root: Path) -> Iterator[Path]:
    for top in ("libs", "services", "onebox", "bench", "scaffold", "tests"):
        found = []
        for folder, folders, files in os.walk(root / top):
            folders[:] = [one for one in folders if one != "node_modules"]
            found += [Path(folder, one) for one in files if one.endswith(".py")]
        yield from sorted(found)


def _breaches(root: Path, name: str, tree: ast.Module, reasoned: set[int]) -> Iterator[tuple[int, str]]:
    in_service = name.startswith("services/")
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            attribute, holder = node.func.attr, _last_name(node.func.value)
            if attribute in ENDS and TRANSACTIONAL.search(holder) and not name.startswith(COMMITTERS):
                yield node.lineno, f".{attribute}() outside servicekit.db and messaging"
            if (
                in_service
                and attribute in QUERIES
                and holder.endswith("session")
                and not _is_repository(name)
            ):
                yield node.lineno, f"session.{attribute}() outside a repository.py"
        if name.startswith(TRACED) and isinstance(node, ast.Call) and _is_client_without_hooks(node):
            yield node.lineno, "a client without event_hooks=servicekit.tracing.HOOKS"
        if isinstance(node, ast.While) and name not in LOOPS and _waits_for_ever(node):
            yield node.lineno, "a loop that waits: use servicekit.background, or a job or periodic task"
        if in_service and isinstance(node, ast.Call) and _called(node) in RAW_SQL and node.args:
            if isinstance(node.args[0], ast.JoinedStr | ast.BinOp | ast.Call):
                yield node.lineno, f"{_called(node)}() of SQL that is put together"
        elif in_service and isinstance(node, ast.expr) and _is_sql_with_values(node):
            lines = range(node.lineno, (node.end_lineno or node.lineno) + 1)
            if reasoned.isdisjoint(lines):
                yield node.lineno, "SQL with values formatted into it"
        if in_service and isinstance(node, ast.ImportFrom | ast.Import):
            yield from ((node.lineno, what) for what in _closed_doors(root, name, node))


def _waits_for_ever(loop: ast.While) -> bool:
    """Whether it is a `while True` that sleeps or waits for an event."""
    endless = isinstance(loop.test, ast.Constant) and bool(loop.test.value)
    calls = (node for node in ast.walk(loop) if isinstance(node, ast.Call))
    return endless and any(
        _called(call) in {"sleep", "wait_for"} or (_called(call) == "wait" and not call.args)
        for call in calls
    )


def _is_client_without_hooks(node: ast.Call) -> bool:
    return _called(node) == "AsyncClient" and "event_hooks" not in {one.arg for one in node.keywords}


def _is_repository(name: str) -> bool:
    return name.endswith("repository.py")


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _called(node: ast.Call) -> str:
    return node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")


def _is_sql_with_values(node: ast.AST) -> bool:
    # A constant of the module (in capitals) is a fragment of ours, not a value.
    match node:
        case ast.JoinedStr(values=[ast.Constant(value=str(head)), *rest]):
            values = [part.value for part in rest if isinstance(part, ast.FormattedValue)]
            return bool(SQL.match(head)) and not all(_last_name(value).isupper() for value in values)
        case ast.BinOp(left=ast.Constant(value=str(head)), op=ast.Mod() | ast.Add()):
            return bool(SQL.match(head))
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str(head)), attr="format")):
            return bool(SQL.match(head))
    return False


def _closed_doors(root: Path, name: str, node: ast.ImportFrom | ast.Import) -> Iterator[str]:
    """Imports of another feature's insides; a feature is a folder of a service's package, at any depth."""
    # services/<service>/src/<package>/<feature>/...
    parts = Path(name).with_suffix("").parts
    if len(parts) < 6:
        return  # a module of the composition root
    own = parts[3:-1]
    imported: list[str] = []
    if isinstance(node, ast.Import):
        imported = [alias.name for alias in node.names]
    elif node.module and not node.level:
        imported = [f"{node.module}.{alias.name}" for alias in node.names]
    for path in imported:
        other = path.split(".")
        closed = next((depth for depth in range(2, len(other)) if _is_closed(other[depth])), None)
        if other[0] != own[0] or closed is None:
            continue
        feature = other[:closed]
        if list(own[: len(feature)]) != feature and root.joinpath(*parts[:3], *feature).is_dir():
            yield f"imports {path}: another feature is used through its service (or its models)"


def _is_closed(module: str) -> bool:
    return module in CLOSED or module.endswith("_repository")


def test_the_tree_keeps_the_conventions() -> None:
    found = violations(ROOT)
    assert not found, "\n" + "\n".join(found)


def test_the_protocol_is_sorted_into_folders() -> None:
    folder = ROOT / "services/identity/src/identity/oauth"
    entries = [entry.name for entry in folder.iterdir() if entry.name != "__pycache__"]
    assert len(entries) <= 12, entries


def test_migrations_of_every_service_are_tested() -> None:
    services = {path.parent for path in (ROOT / "services").glob("*/migrations")}
    assert services
    untested = [path.name for path in sorted(services) if not (path / "tests/test_migrations.py").is_file()]
    assert not untested


# --- the rules themselves are seen to work ---

SEEDS = {
    "commit": (
        "services/shop/src/shop/orders/service.py",
        "async def f(session):\n    await session.commit()\n",
    ),
    "rollback": ("libs/authkit/src/authkit/x.py", "async def f(db):\n    await db.rollback()\n"),
    "query": (
        "services/shop/src/shop/orders/service.py",
        "async def f(session):\n    await session.execute(1)\n",
    ),
    "own query": (
        "services/shop/src/shop/orders/consumers.py",
        "def f(self):\n    self._session.scalars(1)\n",
    ),
    "inside": ("services/shop/src/shop/orders/service.py", "from shop.stock.repository import find\n"),
    "inside, as module": ("services/shop/src/shop/orders/service.py", "from shop.stock import repository\n"),
    "inside, plainly": ("services/shop/src/shop/orders/service.py", "import shop.stock.endpoints\n"),
    "inside, deeper": (
        "services/shop/src/shop/orders/returns/service.py",
        "from shop.orders.billing.repository import find\n",
    ),
    "f-string": (
        "services/shop/src/shop/orders/repository.py",
        'def f(x):\n    return f"SELECT 1 WHERE a = {x}"\n',
    ),
    "format": (
        "services/shop/src/shop/orders/repository.py",
        'def f(x):\n    return "DELETE FROM a {}".format(x)\n',
    ),
    "text": ("services/shop/src/shop/orders/repository.py", 'def f(x):\n    return text(f"a = {x}")\n'),
    "loop": (
        "libs/authkit/src/authkit/x.py",
        "async def f(g):\n    while True:\n        await g()\n        await asyncio.sleep(1)\n",
    ),
    "woken loop": (
        "services/shop/src/shop/orders/service.py",
        "async def f(wake):\n    while True:\n        await wake.wait()\n",
    ),
    "client": (
        "services/shop/src/shop/orders/service.py",
        "client = httpx.AsyncClient(timeout=5)\n",
    ),
    "index": (
        "services/shop/migrations/versions/0002_x.py",
        'op.execute("CREATE INDEX CONCURRENTLY ix_a ON a (b)")\n',
    ),
    "index, by alembic": (
        "services/shop/migrations/versions/0002_x.py",
        'op.create_index("ix_a", "a", ["b"], postgresql_concurrently=True)\n',
    ),
    "autocommit": (
        "services/shop/migrations/versions/0002_x.py",
        "with op.get_context().autocommit_block():\n    pass\n",
    ),
    "long": ("libs/authkit/src/authkit/long.py", "x = 1\n" * (MAX_LINES + 1)),
    "long test": ("libs/authkit/tests/test_long.py", "x = 1\n" * (MAX_TEST_LINES + 1)),
}
FINE = {
    "services/shop/src/shop/orders/repository.py": (
        'async def f(session):\n    await session.execute(text("SELECT 1"))\n    return f"第{1}页"\n'
        'A = "a = 1"\nB = f"SELECT 1 WHERE {A}"\n'
        'def g(table):\n    return f"SELECT 1 FROM {table}"  # noqa: S608 - a name of ours\n'
    ),
    "services/shop/src/shop/orders/service.py": (
        "from shop.stock.service import Stock\nfrom shop.stock.models import Item\n"
        "from shop.stock import service\n"
        "from shop.stock.errors import Gone\nfrom shop.stock.rules import LIMIT\n"
        "from shop.orders.repository import find\nfrom shop.base import Base\n"
        "def f(batch):\n    batch.commit()\n"
        "client = httpx.AsyncClient(timeout=5, event_hooks=HOOKS)\n"
    ),
    "services/shop/migrations/versions/0002_x.py": ('create_index_concurrently("ix_a", "ON a (b)")\n'),
    "services/shop/src/shop/app.py": "from shop.stock.endpoints import router\n",
    "libs/servicekit/src/servicekit/background.py": (
        "async def f(g):\n    while True:\n        await g()\n        await asyncio.sleep(1)\n"
    ),
    "libs/authkit/src/authkit/pages.py": (
        "async def f(read):\n    while True:\n        if not await read():\n            return\n"
    ),
    "libs/messaging/src/messaging/relay.py": "async def f(session):\n    await session.commit()\n",
    "libs/authkit/tests/test_long.py": "x = 1\n" * MAX_TEST_LINES,
}


def _tree(root: Path, files: dict[str, str]) -> list[str]:
    folders = {f"services/shop/src/shop/{name}/__init__.py": "" for name in ("stock", "orders/billing")}
    for name, source in {**folders, **files}.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(source)
    return violations(root)


@pytest.mark.seeded
@pytest.mark.parametrize("what", SEEDS)
def test_a_breach_is_found(tmp_path: Path, what: str) -> None:
    name, source = SEEDS[what]
    found = _tree(tmp_path, {name: source})
    assert len(found) == 1
    assert found[0].startswith(f"{name}:")


@pytest.mark.seeded
def test_what_is_allowed_is_not_found(tmp_path: Path) -> None:
    assert _tree(tmp_path, FINE) == []
