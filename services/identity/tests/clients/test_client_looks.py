"""Names of clients as people see them (RFC 7591 §5, UTS 39)."""

import pytest

from identity.clients import looks, rules
from identity.clients.rules import BadMetadata, Metadata

RESERVED = ["学生资助工作门户", "Portal Wire"]


@pytest.mark.parametrize(
    "name",
    [
        "奖助系统",
        "XX大学（本部）统一接入 2.0",
        "Café Aid",
        "བོད་ལྗོངས་སློབ་གྲྭ",
        "ئالىي مەكتەپ",
        "奖学金システム",
        "奖助<b>系统",
        "山东省·资助平台",
    ],
)
def test_a_plain_name_is_taken(name: str) -> None:
    looks.check_name(name, RESERVED)


@pytest.mark.parametrize(
    "name",
    [
        "奖助\u200b系统",
        "\u202e统系助奖",
        "奖助\u2066系统\u2069",
        "奖助\ufeff系统",
        "奖助\u00ad系统",
        "奖助\u3164系统",
        "奖助\x07系统",
        "奖助\n系统",
        " 奖助系统",
        "奖助  系统",
        "……",
        "a\u0300\u0301\u0302",
        "Раyраl",
        "Αid office",
    ],
    ids=ascii,
)
def test_a_name_that_hides_what_it_is_is_refused(name: str) -> None:
    with pytest.raises(BadMetadata, match="client_name"):
        looks.check_name(name, RESERVED)


@pytest.mark.parametrize(
    "name",
    [
        "学生资助工作门户",
        "学生资助·工作门户",
        "【学生资助】工作门户",
        "學生资助工作门户",
        "PORTAL WIRE",
        "Ｐｏｒｔａｌ　Ｗｉｒｅ",
        "PortaI Wire",
        "P0rta1 Wire",
        "Portal VVire",
        "Pórtal Wire",
        "全国学生资助统一用户认证",
    ],
    ids=ascii,
)
def test_a_name_that_looks_like_one_of_the_platform_is_refused(name: str) -> None:
    with pytest.raises(BadMetadata, match="platform"):
        looks.check_name(name, RESERVED)


def test_the_home_page_is_where_people_are_sent_back_to() -> None:
    limits = {"scopes": rules.SCOPES, "audiences": (), "grants": rules.GRANT_TYPES}
    mine = {"client_name": "x", "redirect_uris": ["https://rp.example.cn/cb", "http://localhost/cb"]}
    rules.check(Metadata(**mine, client_uri="https://rp.example.cn/"), **limits)  # type: ignore[arg-type]
    with pytest.raises(BadMetadata, match="client_uri"):
        rules.check(Metadata(**mine, client_uri="https://bank.example.cn/"), **limits)  # type: ignore[arg-type]
