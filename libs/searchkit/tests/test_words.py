"""Names and what people type to find them."""

import pytest

from searchkit.words import parse, readings, syllables, tokens_of


def found(name: str, query: str) -> bool:
    """Whether the tokens of the query are among those of the name."""
    wanted = parse(query)
    assert wanted is not None
    have = tokens_of(name)
    return any(tokens <= have for tokens in wanted.leading + wanted.others)


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("王小明", "王"),
        ("王小明", "王小"),
        ("王小明", "小明"),
        ("王小明", "wang"),
        ("王小明", "WangXiaoMing"),
        ("王小明", "xiaoming"),
        ("王小明", "wxm"),
        ("王小明", "xm"),
        ("王小明", "w"),
        ("王小明", "wangxm"),
        ("王小明", "wangx"),
        ("王小明", "wangxi"),
        ("王小明", "ｗａｎｇ"),
        ("曾志伟", "zeng"),
        ("曾志伟", "cengzhi"),
        ("单雄信", "shan"),
        ("单雄信", "danxiong"),
        ("解小强", "xie"),
        ("解小强", "jiexq"),
        ("吕布", "lvbu"),
        ("女娲", "nv"),
        ("西安市", "xian"),
        ("西安市", "xianshi"),
        ("西安市", "xas"),
        ("济南市历下区教育和体育局", "历下"),
        ("济南市历下区教育和体育局", "lixia"),
        ("济南市历下区教育和体育局", "lixiaqu"),
        ("济南市历下区教育和体育局", "lixq"),
        ("济南市历下区教育和体育局", "jnslxq"),
        ("济南市历下区教育和体育局", "教育 历下"),
        ("济南市历下区教育和体育局", "jinan tiyu"),
        ("买买提·吐尔逊", "买买提吐尔逊"),
        ("买买提·吐尔逊", "mmtt"),
        ("𬱖明", "𬱖明"),
        ("㛃华", "㛃"),
        ("第37中学", "37中"),
        ("第37中学", "第37"),
    ],
)
def test_a_name_is_found_by(name: str, query: str) -> None:
    assert found(name, query)


@pytest.mark.parametrize(
    ("name", "query"),
    [
        ("王小明", "明"),
        ("王小明", "小王"),
        ("王小明", "wxh"),
        ("王小明", "zhang"),
        ("王小明", "wangda"),
        ("济南市历下区教育和体育局", "下历"),
        ("济南市历下区教育和体育局", "qingdao"),
    ],
)
def test_a_name_is_not_found_by(name: str, query: str) -> None:
    assert not found(name, query)


@pytest.mark.parametrize("query", ["", "  ", "·", "()", "，。"])
def test_a_query_without_letters_asks_for_nothing(query: str) -> None:
    assert parse(query) is None


def test_what_begins_with_the_query_is_told_apart() -> None:
    wanted = parse("小学")
    assert wanted is not None
    (leading,), (others,) = wanted.leading, wanted.others
    assert leading <= tokens_of("小学教育中心")
    assert not leading <= tokens_of("历下区第一小学")
    assert others <= tokens_of("历下区第一小学")


def test_digits_are_a_code_or_the_end_of_a_number() -> None:
    for query, code, digits in (("3701", "3701", "3701"), ("370102", "370102", None), ("xj01", "XJ01", None)):
        wanted = parse(query)
        assert wanted is not None
        assert (wanted.code, wanted.digits, wanted.leading) == (code, digits, ())


@pytest.mark.parametrize(
    "query", ["a" * 50, "n" * 50, "xianxianxianxianxianxianxianxian", "王 " * 25, "%_\\", "^@#"]
)
def test_a_strange_query_is_bounded(query: str) -> None:
    wanted = parse(query)
    assert wanted is None or len(wanted.leading) + len(wanted.others) <= 20


def test_all_readings_of_a_character_count() -> None:
    assert {"zeng", "ceng"} <= set(readings("曾"))
    assert {"shan", "dan", "chan"} <= set(readings("单"))
    assert {"lv", "nv", "zhuang", "er"} <= syllables()
    assert not {"ng", "n", "m"} & syllables()
