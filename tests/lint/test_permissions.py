"""Who may do what is asked as a permission: roles are data of Identity, and the platform defines its own."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from testkit.syntax import parse

ROOT = Path(__file__).parents[2]
# The issuer gives roles their meaning; onebox appoints the people of the demo.
PATTERNS = ("services/*/src/**/*.py", "libs/*/src/**/*.py", "scaffold/template/src/**/*.py")
AT_HOME = ("services/identity/", "libs/contracts/", "libs/testkit/")


def roles_named(root: Path) -> list[str]:
    """Where code below `root` names a role, as `path:line: what`."""
    found = []
    for pattern in PATTERNS:
        for path in sorted(root.glob(pattern)):
            name = path.relative_to(root).as_posix()
            if not name.startswith(AT_HOME):
                found += [f"{name}:{line}: {what}" for line, what in _named(parse(path.read_text()))]
    return found


def _named(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="Role"), attr=attr):
                yield node.lineno, f"Role.{attr}: ask for a Permission"
            case ast.ImportFrom(module="contracts.permissions", names=names):
                for one in names:
                    if one.name in {"BUILT_IN", "built_in_permissions"}:
                        yield node.lineno, f"{one.name}: it lacks the custom roles; ask for a Permission"


def test_no_service_but_the_issuer_names_a_role() -> None:
    found = roles_named(ROOT)
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize(
    "source", ["ALLOWED = (Role.HANDLER,)\n", "from contracts.permissions import BUILT_IN\n"]
)
def test_a_named_role_is_found(tmp_path: Path, source: str) -> None:
    path = tmp_path / "services/shop/src/shop/orders/rules.py"
    path.parent.mkdir(parents=True)
    path.write_text(source)
    [found] = roles_named(tmp_path)
    assert found.startswith("services/shop/src/shop/orders/rules.py:1: ")


def test_the_issuer_and_types_of_roles_are_let_through(tmp_path: Path) -> None:
    for name, source in (
        ("identity", "ADMIN = Role.UNIT_ADMIN\n"),
        ("shop", "class One(BaseModel):\n    roles: list[Open[Role]]\n"),
    ):
        path = tmp_path / f"services/{name}/src/{name}/rules.py"
        path.parent.mkdir(parents=True)
        path.write_text(source)
    assert roles_named(tmp_path) == []
