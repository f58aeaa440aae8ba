"""What has been published stays published: the files beside this one are the record of it."""

from pathlib import Path

from contracts import snapshots

ROOT = Path(__file__).parents[2]


def test_events_and_asyncapi_are_in_step_with_their_snapshots() -> None:
    wrong = snapshots.check(ROOT / "tests" / "contracts" / "snapshots", ROOT / "docs" / "asyncapi.json")
    assert not wrong, "\n".join(wrong)
