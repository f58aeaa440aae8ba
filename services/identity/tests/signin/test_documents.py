"""Documents as blocks of a page."""

from identity.signin.documents import Block, blocks_of


def test_headings_paragraphs_and_lists_are_told_apart() -> None:
    text = "# 使用条款\n\n## 一、账号\n\n- 一人一号\n- 不得\n  转让\n\n第一行\n第二行\n"
    assert blocks_of(text) == [
        Block("h1", ["使用条款"]),
        Block("h2", ["一、账号"]),
        Block("ul", ["一人一号", "不得转让"]),
        Block("p", ["第一行第二行"]),
    ]
