"""Writes docs/conformance.md from modules.toml and the outcome of this folder's tests: `make conformance`."""

import ast
import sys
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

HERE = Path(__file__).parent
DOCUMENT = HERE.parents[3] / "docs" / "conformance.md"
FAILED = "**failed**"
KINDS = (
    "passed as shipped",
    "passed with our profile",
    "refused by choice",
    "refused as it allows",
    "not supported",
)
INTRODUCTION = """\
# Conformance

How Identity does in the modules of the OpenID Foundation's certification plans for an OpenID provider. The
Foundation's own suite has not been run, and nothing here is certified: each module is a test of ours with the
module's name, over HTTP against a running issuer, with Authlib's client as the judge where it has a say.

`make conformance` runs the plans and writes this page; tests fail if a module has neither a test nor a
reason, or if this page is not what they say.

- *Passed as shipped*: the test sends what the suite's module sends, in the suite's order and encoding. That
  is without PKCE, unless the module is about PKCE; a test that sends it nevertheless fails. The client is
  registered with `require_pkce` false, which only the centre can set.
- *Passed with our profile*: requests have what the suite's lack, which is PKCE, or have not been compared
  with the suite's. As shipped most modules of the Dynamic plan would be refused: a client that registers
  itself must use PKCE, and the plan's discovery module asks for `implicit`, which is not offered.
- *Refused by choice*: the module fails as shipped. The test shows the refusal, and that the same request with
  PKCE passes.
- *Refused as it allows*: the module asks for something optional that we do not do, and lets an issuer say so;
  the test shows that it says so properly.
"""


@dataclass(frozen=True)
class Plan:
    """One certification plan, as modules.toml has it."""

    name: str
    title: str
    tests: list[str]
    modules: list[str]
    variant: str | None = None
    shipped: bool = False
    """Whether the tests send the suite's own requests."""
    chosen: dict[str, str] = field(default_factory=dict)
    """Modules that fail as shipped, and why that was chosen."""
    rejected: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


def plans(text: str | None = None) -> list[Plan]:
    """All plans."""
    data = tomllib.loads((HERE / "modules.toml").read_text(encoding="utf-8") if text is None else text)
    return [Plan(**plan) for plan in data["plan"]]


def test_name(module: str) -> str:
    """What the module's test is called."""
    return "test_" + module.replace("-", "_").lower()


def tests_in(file: Path) -> set[str]:
    """The tests of a file."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef)}


def places(plan: Plan) -> dict[str, str]:
    """In which file the test of each module is; modules without one are not there."""
    found: dict[str, str] = {}
    for file in plan.tests:
        names = tests_in(HERE / file)
        found |= {module: file for module in plan.modules if test_name(module) in names}
    return found


def page(passed: Callable[[Plan, str], bool]) -> str:
    """The document; `passed` says how the test of a plan's module did."""
    parts, rows = [INTRODUCTION], []
    for plan in plans():
        where, kinds, lines = places(plan), dict.fromkeys(KINDS, 0), []
        for module in plan.modules:
            kind, words = _result(plan, module, module in where and passed(plan, module))
            if kind in kinds:
                kinds[kind] += 1
            shown = f"`{where[module]}`" if module in where else "–"
            lines.append(f"| {module} | {shown} | {words} |")
        rows.append(
            f"| [{plan.title}](#{_anchor(plan.title)}) | {len(plan.modules)} "
            f"| {' | '.join(str(count) for count in kinds.values())} |"
        )
        mode = f" Run with `response_mode={plan.variant}`." if plan.variant else ""
        parts.append(
            f"## {plan.title}\n\n`{plan.name}`.{mode}\n\n| Module | Test in | Result |\n| --- | --- | --- |\n"
            + "\n".join(lines)
            + "\n"
        )
    table = f"| Plan | Modules | {' | '.join(kind.capitalize() for kind in KINDS)} |\n"
    parts.insert(1, table + "| --- " * (2 + len(KINDS)) + "|\n" + "\n".join(rows) + "\n")
    parts.insert(2, "Tests are in `services/identity/tests/conformance`.\n")
    return "\n".join(parts)


def _result(plan: Plan, module: str, passed: bool) -> tuple[str, str]:
    if module in plan.left_out:
        return "not supported", f"not supported: {plan.left_out[module]}"
    if not passed:
        return "failed", FAILED
    if module in plan.rejected:
        return "refused as it allows", f"refused as it allows: {plan.rejected[module]}"
    if module in plan.chosen:
        return "refused by choice", f"refused by choice: {plan.chosen[module]}"
    kind = "passed as shipped" if plan.shipped else "passed with our profile"
    return kind, kind


def _anchor(heading: str) -> str:
    kept = "".join(c for c in heading.lower() if c.isalnum() or c in "_- ")
    return kept.replace(" ", "-")


class Outcomes:
    """Collects what pytest reports: a test with parameters has passed if all of its runs have."""

    def __init__(self) -> None:
        self.failed: set[tuple[str, str]] = set()
        self.run: set[tuple[str, str]] = set()

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note one phase of one test."""
        file, _, name = report.nodeid.partition("::")
        function, _, parameters = name.partition("[")
        for key in (function, f"{function}[{parameters.rstrip(']')}"):
            where = (Path(file).name, key)
            if report.passed and report.when == "call":
                self.run.add(where)
            elif not report.passed:
                self.failed.add(where)

    def passed(self, plan: Plan, module: str) -> bool:
        """Whether the module's test was run, in the plan's variant, and nothing of it failed."""
        name = test_name(module)
        wanted = {(file, f"{name}[{plan.variant}" if plan.variant else name) for file in plan.tests}
        return bool(wanted & self.run) and not wanted & self.failed


def main() -> int:
    """Run the plans and write the document; the exit code is pytest's."""
    outcomes = Outcomes()
    code = int(pytest.main([str(HERE), "-q", *sys.argv[1:]], plugins=[outcomes]))
    DOCUMENT.write_text(page(outcomes.passed), encoding="utf-8")
    return code


if __name__ == "__main__":
    sys.exit(main())
