"""Rich text: what is kept, what is removed, and that hostile input costs little."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from office.writing import richtext


@pytest.mark.parametrize(
    ("html", "kept"),
    [
        ("<p>甲<strong>乙</strong><em>丙</em></p>", "<p>甲<strong>乙</strong><em>丙</em></p>"),
        ("<script>alert(1)</script><p onclick=x>甲</p>", "<p>甲</p>"),
        ("<style>p{}</style><p class=x id=y>甲</p>", "<p>甲</p>"),
        ("<svg><script>x</script><text>图</text></svg>甲", "甲"),
        ("<math><mi//xlink:href='data:x,<script>x</script>'>甲", ""),
        ("<img src=x onerror=alert(1)>", ""),
        ("<img src='data:image/png;base64,AAAA'>甲", "甲"),
        ("<a href='javascript:x'>甲</a>", '<a rel="noopener noreferrer">甲</a>'),
        ("<a href='data:text/html,x'>甲</a>", '<a rel="noopener noreferrer">甲</a>'),
        ("<a href=' JaVaScRiPt:x'>甲</a>", '<a rel="noopener noreferrer">甲</a>'),
        ("<a href='/intern'>甲</a>", '<a rel="noopener noreferrer">甲</a>'),
        (
            "<a href='https://a.cn/?a=1&b=2' target=_top>甲</a>",
            '<a href="https://a.cn/?a=1&amp;b=2" rel="noopener noreferrer">甲</a>',
        ),
        ("<iframe src=x></iframe><object data=x></object><form><input>甲</form>", "甲"),
        ("<!--[if mso]><p>x</p><![endif]--><p class=MsoNormal><o:p>&nbsp;</o:p></p><p>甲</p>", "<p>甲</p>"),
        ("<p style='mso-x:1;TEXT-ALIGN:Center;color:red'>甲</p>", '<p style="text-align:center">甲</p>'),
        ("<p style='text-align:expression(x)'>甲</p>", "<p>甲</p>"),
        ("<div><div>甲</div><div>乙<br></div><div><br></div></div>", "<p>甲</p><p>乙<br></p>"),
        ("<font face=宋体 size=7><span lang=EN-US>甲</span></font>", "甲"),
        (
            "<table width=1><tr><td colspan=2 bgcolor=red>甲</td></tr></table>",
            '<table><tbody><tr><td colspan="2">甲</td></tr></tbody></table>',
        ),
        ("<td colspan=99999>甲", "甲"),
        ("甲 & 乙 < 丙", "甲 &amp; 乙 &lt; 丙"),
        ("<noscript><p title='</noscript><img src=x onerror=alert(1)>'>", "'&gt;"),
        ("<template><script>x</script></template>甲", "甲"),
    ],
)
def test_only_what_a_document_needs_is_kept(html: str, kept: str) -> None:
    assert richtext.clean(html) == kept


_TAGS = "<p> </p> <div> </div> <b> </b> <table> <tr> <td> <li> <ul> <a/href=x> <svg> <br> <script> </script>"
_OTHERS = "甲 &lt;script> <!-- --> ' \" < > &"
_PIECES = st.lists(st.sampled_from([*_TAGS.split(), *_OTHERS.split()]), max_size=30)


@given(_PIECES)
def test_cleaning_again_changes_nothing(pieces: list[str]) -> None:
    once = richtext.clean("".join(pieces))
    assert richtext.clean(once) == once
    assert "<script" not in once


@given(_PIECES)
def test_the_plain_text_has_no_markup_of_its_own(pieces: list[str]) -> None:
    text = richtext.plain(richtext.clean("".join(pieces)))
    assert text == text.strip()
    assert "\n\n" not in text


@pytest.mark.parametrize(
    "html",
    ["<div>" * 40_000, "<b><p>" * 30_000, "<a " * 60_000, "<b x='" * 30_000, "<table><tr><td>" * 13_000],
)
def test_deep_nesting_is_refused_at_once(html: str) -> None:
    began = time.monotonic()
    with pytest.raises(richtext.TooDeepError):
        richtext.clean(html)
    # Parsed, the first of them takes seconds.
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("html", ["<p>" * 60_000, "<" * 200_000, "<p><i></i></p>" * 14_000, "<li>" * 50_000])
def test_long_input_without_depth_is_cleaned(html: str) -> None:
    assert richtext.clean(html) is not None


def test_plain_text_has_a_line_for_each_block() -> None:
    html = "<p>甲<b>乙</b></p><ul><li>丙</li></ul><table><tr><td>丁</td><td>戊</td></tr></table>己<br>庚"
    assert richtext.plain(richtext.clean(html)) == "甲乙\n丙\n丁\n戊\n己\n庚"
