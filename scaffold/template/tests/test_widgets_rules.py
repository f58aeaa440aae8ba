import pytest

from sample.widgets.rules import MAX_TITLE, clean_title


def test_a_title_has_single_spaces_and_none_at_its_ends() -> None:
    assert clean_title("  核对  名单\n") == "核对 名单"


@pytest.mark.parametrize("text", ["", " \n", "字" * (MAX_TITLE + 1)])
def test_an_empty_or_long_title_is_refused(text: str) -> None:
    assert clean_title(text) is None
