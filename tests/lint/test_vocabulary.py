"""Words of the vocabulary are not spelt out again: the code names the members of contracts.vocabulary."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts import documents, intake, vocabulary
from contracts.vocabulary import Audience, Vocabulary
from testkit.syntax import parse

ROOT = Path(__file__).parents[2]
HOME = {f"libs/contracts/src/contracts/{name}.py" for name in ("vocabulary", "documents", "intake")}
# What models and messages call the fields that hold a word.
FIELDS = {"status", "level", "kind"}
WORDS = {
    word.value
    for words in (*vars(vocabulary).values(), *vars(documents).values(), *vars(intake).values())
    if isinstance(words, type) and issubclass(words, Vocabulary)
    for word in words
}


def literals(root: Path) -> list[str]:
    """Where code below `root` spells a word out, as `path:line: what`."""
    found = []
    for pattern in ("libs/*/src/**/*.py", "services/*/src/**/*.py", "onebox/src/**/*.py", "bench/**/*.py"):
        for path in sorted(root.glob(pattern)):
            name = path.relative_to(root).as_posix()
            if name not in HOME:
                found += [f"{name}:{line}: {what}" for line, what in _spelt_out(parse(path.read_text()))]
    return found


def _spelt_out(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.Constant(value=str(value)) if value in set(Audience):
                yield node.lineno, f"{value!r}: name a member of Audience"
            case ast.Compare(left=left, comparators=[right]):
                if _field(left) and _word(right):
                    yield node.lineno, f"{_field(left)} is compared with a string: name the word"
            case ast.Assign(targets=[target], value=value) if _field(target) and _word(value):
                yield node.lineno, f"{_field(target)} is set to a string: name the word"
    return


def _field(node: ast.expr) -> str:
    """`notice.status`, or "" for anything but a field that holds a word."""
    return ast.unparse(node) if isinstance(node, ast.Attribute) and node.attr in FIELDS else ""


def _word(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value in WORDS


def test_no_word_is_spelt_out() -> None:
    found = literals(ROOT)
    assert not found, "\n" + "\n".join(found)


@pytest.mark.parametrize(
    "source",
    [
        'if notice.status == "draft":\n    pass\n',
        'found = Unit.level != "county"\n',
        'self.status = "active"\n',
        'AUDIENCE = "urn:zhuxue:office"\n',
    ],
)
def test_a_word_that_is_spelt_out_is_found(tmp_path: Path, source: str) -> None:
    path = tmp_path / "services/shop/src/shop/orders/service.py"
    path.parent.mkdir(parents=True)
    path.write_text(source)
    [found] = literals(tmp_path)
    assert found.startswith("services/shop/src/shop/orders/service.py:1: ")


def test_what_names_the_word_is_let_through(tmp_path: Path) -> None:
    path = tmp_path / "services/shop/src/shop/orders/service.py"
    path.parent.mkdir(parents=True)
    path.write_text('if notice.status is NoticeStatus.DRAFT or budget.kind == "phone":\n    name = "draft"\n')
    assert literals(tmp_path) == []
