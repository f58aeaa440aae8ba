"""Passwords that are guessed first: leaked ones, Chinese habits, keyboard walks, and combinations of them.

Offline: the list is packaged (`data/README.md` names its origin).
"""

import re
from functools import cache
from importlib.resources import files

# Words of pinyin, of this product and of the trade, that people put into passwords.
_HABITS = frozenset(
    [
        "woaini",
        "woaiwo",
        "aini",
        "wohenni",
        "woshishui",
        "tamade",
        "caonima",
        "nihao",
        "mima",
        "denglu",
        "yonghu",
        "zhanghao",
        "zhongguo",
        "beijing",
        "shanghai",
        "zhuxue",
        "zizhu",
        "xszz",
        "jiaoyu",
        "jiaoyuju",
        "jiaoyuting",
        "xuesheng",
        "xuexiao",
        "laoshi",
        "zhongxin",
        "bangong",
        "guanliyuan",
        "root",
        "user",
        "test",
        "temp",
        "welcome",
        "changeme",
        "zhangsan",
        "lisi",
        "wangwu",
        "xiaoming",
        "xiaohong",
        "gongxifacai",
        "wanshiruyi",
        "shuizhidao",
        "baobao",
        "laopo",
        "laogong",
        "qinaide",
        "ilove",
        "love",
        "loveyou",
        "aiwo",
        "haha",
        "hehe",
        "heihei",
        "abc",
        "abcd",
        "qwer",
        "asdf",
        "zxcv",
    ]
)
_LUCKY = frozenset(
    [
        "520",
        "521",
        "1314",
        "5201314",
        "1314520",
        "5211314",
        "7758521",
        "7758258",
        "666",
        "888",
        "168",
        "518",
        "918",
        "110",
        "119",
        "120",
    ]
)
_ROWS = (
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "1234567890",
    "!@#$%^&*()",
    "abcdefghijklmnopqrstuvwxyz",
    "1qaz2wsx3edc4rfv",
    "qazwsxedcrfv",
    "qweasdzxc",
)
_LEET = str.maketrans("@01$35!", "aoiseis")
_TAIL = re.compile(r"[0-9!@#$%^&*._\-]{0,6}$")
_TOKENS = re.compile(r"[a-z]+|[0-9]+|[^a-z0-9]+")
_DATE = re.compile(r"(?:19|20)?\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])")
LONG, PARTS = 20, 4
"""A password of this length, or of more parts than these, may be put together from common parts."""


@cache
def _common() -> frozenset[str]:
    text = files("identity.authenticators").joinpath("data/common_passwords.txt").read_text(encoding="utf-8")
    return frozenset(text.split("\n"))


def is_weak(password: str) -> bool:
    """Return whether a normalized password is common, or is put together from common parts only."""
    folded = password.casefold()
    if _known(folded) or _known(re.sub(r"[^a-z0-9]", "", folded)):
        return True
    if len(folded) >= LONG:
        return False
    stem = _TAIL.sub("", folded)
    if len(stem) >= 4 and (_known(stem) or _known(stem.translate(_LEET))):
        return True
    parts = _TOKENS.findall(folded)
    return len(parts) <= PARTS and all(_is_weak_part(part) for part in parts)


def _known(text: str) -> bool:
    return text in _common() or text in _HABITS


def _is_weak_part(part: str) -> bool:
    if len(part) <= 2 or len(set(part)) == 1 or _is_walk(part):
        return True
    if part.isdigit():
        return len(part) <= 4 or part in _LUCKY or part in _common() or bool(_DATE.fullmatch(part))
    return _known(part)


def _is_walk(part: str) -> bool:
    half = part[: (len(part) + 1) // 2]
    repeated = len(part) >= 4 and part == (half * 2)[: len(part)]
    return repeated or any(part in row or part in row[::-1] for row in _ROWS)
