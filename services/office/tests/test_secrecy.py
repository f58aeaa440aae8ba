"""Marks of state secrets are found in every spelling, and ordinary sentences pass."""

import pytest

from office.writing import secrecy


@pytest.mark.parametrize("text", ["秘密", "机密★1年", "绝密", "机 密", "機密", "机\u200b密☆", "Ｘ绝　密"])
def test_a_class_in_the_field_is_refused(text: str) -> None:
    assert secrecy.names_class(text)
    assert secrecy.is_secrecy(text)


def test_other_words_are_no_value_of_the_field() -> None:
    assert secrecy.is_secrecy("无")
    assert not secrecy.names_class("无")
    assert not secrecy.is_secrecy("内部")


@pytest.mark.parametrize(
    "text",
    [
        "机密★1年",
        "机密☆1年",
        "机密*1年",
        "机密＊1年",
        "机密⭐长期",
        "机密1年",
        "机密　一年",
        "正文\n绝密 ★ 长期",
        "秘密",
        "机 密",
        "机　密☆1年",
        "机\u200b密★1年",
        "机\u2060密",
        "绝\u00ad密★",
        "机\ufe0f密★",
        "機密",
        "絕密★1年",
        "祕密",
        "秘·密",
        "机-密",
        "密级：机密",
        "密级:秘密 ",
        "密级为机密",
        "【绝密】关于报送名单的通知",
        "名单（秘密）",
        "［机密］",
        "机密级：",
        "秘密文件",
        "机密：关于报送名单的通知",
        "绝密★关于培训的通知",
        "名单（秘密★3年）",
    ],
)
def test_a_mark_in_the_text_is_refused(text: str) -> None:
    assert secrecy.is_marked(["普通", text])


@pytest.mark.parametrize(
    "text",
    [
        "各单位要遵守保守国家秘密法。",
        "不得泄露受助学生的秘密",
        "涉密人员名单另发",
        "化解危机\n密切关注困难学生",
        "总结保守秘密三年来的经验",
        "国家秘密（绝密、机密、秘密）三级",
        "商业秘密：另行规定",
    ],
)
def test_the_words_in_a_sentence_are_no_mark(text: str) -> None:
    assert not secrecy.is_marked([text])
