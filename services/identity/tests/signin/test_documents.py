"""Documents as blocks of a page."""

from pathlib import Path

from identity import pages
from identity.signin.documents import Block, blocks_of

TEMPLATES = Path(pages.__file__).parent / "templates"


def test_headings_paragraphs_and_lists_are_told_apart() -> None:
    text = "# 使用条款\n\n## 一、账号\n\n- 一人一号\n- 不得\n  转让\n\n第一行\n第二行\n"
    assert blocks_of(text) == [
        Block("h1", ["使用条款"]),
        Block("h2", ["一、账号"]),
        Block("ul", ["一人一号", "不得转让"]),
        Block("p", ["第一行第二行"]),
    ]


def test_the_help_names_the_ways_past_the_picture_as_their_buttons_are_named() -> None:
    """For people who do not see it: words, a text from the phone, a passkey (docs/adr/0021-captcha.md)."""
    help_ = (TEMPLATES / "help.html").read_text(encoding="utf-8")
    for button, template in (
        ("看不到图片，改答文字题", "_other_captcha.html"),
        ("改用手机发送短信验证", "login/_number.html"),
    ):
        assert f"“{button}”" in help_
        assert button in (TEMPLATES / template).read_text(encoding="utf-8")
