"""Every module of the certification plans has a test or a reason, and docs/conformance.md says which."""

from pathlib import Path

import pytest

from services.identity.tests.conformance import report

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "services" / "identity" / "tests" / "conformance"
PLANS = report.plans()


def unaccounted(plan: report.Plan) -> list[str]:
    """Modules without test and reason, with both, and reasons for modules that are not there."""
    there = report.places(plan)
    wrong = [module for module in plan.modules if (module in there) == (module in plan.left_out)]
    return wrong + sorted({*plan.left_out, *plan.rejected, *plan.chosen} - set(plan.modules))


@pytest.mark.parametrize("plan", PLANS, ids=lambda plan: plan.name)
def test_every_module_has_a_test_or_a_reason(plan: report.Plan) -> None:
    assert unaccounted(plan) == []


def test_the_page_is_the_one_generated() -> None:
    # Tests that fail make the run fail: here all count as passed.
    current = report.page(lambda plan, module: True)
    assert (ROOT / "docs" / "conformance.md").read_text(encoding="utf-8") == current, "run `make conformance`"


def test_tests_named_after_modules_are_modules() -> None:
    known = {report.test_name(module) for plan in PLANS for module in plan.modules}
    stray = {
        name
        for file in FOLDER.glob("test_*.py")
        for name in report.tests_in(file)
        if name.startswith(("test_oidcc_", "test_fapi2_")) and name not in known
    }
    assert stray == set()


def test_a_module_with_neither_is_noticed_and_a_failure_is_shown() -> None:
    (plan,) = report.plans(
        '[[plan]]\nname="p"\ntitle="P"\ntests=["test_config.py"]\nmodules=["oidcc-nothing"]'
    )
    assert unaccounted(plan) == ["oidcc-nothing"]
    assert report.FAILED in report.page(lambda plan, module: False)
