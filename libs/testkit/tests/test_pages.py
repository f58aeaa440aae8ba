"""Forms are read as a browser reads them."""

import pytest

from testkit.pages import Form, csrf_of, forms, hidden_fields

PAGE = """
<input type="hidden" name="outside" value="1">
<form action="/a?x=1&amp;y=2">
<input type=hidden name=return_to value="/b?c=1&amp;d=2"><input name="phone">
</form>
<form method="post" action="/c"><INPUT value="t0ken" name="csrf" type="hidden" /></form>
"""


def test_forms_have_their_actions_and_hidden_fields() -> None:
    assert forms(PAGE) == [
        Form("/a?x=1&y=2", {"return_to": "/b?c=1&d=2"}),
        Form("/c", {"csrf": "t0ken"}),
    ]
    assert hidden_fields(PAGE) == {"return_to": "/b?c=1&d=2"}
    assert csrf_of(PAGE) == "t0ken"


@pytest.mark.parametrize("read", [hidden_fields, csrf_of])
def test_a_page_without_a_form_is_an_error_that_shows_the_page(read: object) -> None:
    assert callable(read)
    with pytest.raises(AssertionError, match="no forms here"):
        read("<p>no forms here</p>")
