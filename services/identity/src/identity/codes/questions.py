"""Questions in Chinese that a person answers with a number. Pure, given a source of randomness.

They are text, so that a screen reader reads them, a keyboard answers them and no script is needed
(`docs/adr/0021-captcha.md`).
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

_DIGITS = "零一二三四五六七八九十"
_WEEK = "一二三四五六日"
_THINGS = {
    "水果": ("苹果", "香蕉", "葡萄", "西瓜", "桃子", "橘子"),
    "文具": ("铅笔", "橡皮", "尺子", "钢笔", "圆规", "墨水"),
    "动物": ("老虎", "大象", "兔子", "骆驼", "松鼠", "山羊"),
    "颜色": ("红色", "蓝色", "绿色", "紫色", "黄色", "白色"),
}
_SENTENCES = (
    "学而时习之不亦说乎",
    "书山有路勤为径",
    "少年强则国强",
    "百年大计教育为本",
    "博学之审问之慎思之",
)


@dataclass(frozen=True)
class Question:
    """A question and its answer, a whole number."""

    text: str
    answer: int


def numeral(number: int) -> str:
    """Return a number from 0 to 99 in Chinese characters."""
    tens, ones = divmod(number, 10)
    if tens == 0:
        return _DIGITS[ones]
    return ("" if tens == 1 else _DIGITS[tens]) + "十" + (_DIGITS[ones] if ones else "")


def _sum(random: Random) -> Question:
    first, second = random.randint(6, 29), random.randint(3, 19)
    third = random.randint(1, 5)
    text = f"{numeral(first)}加{numeral(second)}，再减去{numeral(third)}，等于多少？"
    return Question(text, first + second - third)


def _product(random: Random) -> Question:
    first, second = random.randint(2, 9), random.randint(2, 9)
    text = f"每班有{numeral(first)}名受助学生，{numeral(second)}个班共有多少名？"
    return Question(text, first * second)


def _weekday(random: Random) -> Question:
    day, later = random.randrange(4), random.randint(1, 2)
    text = f"星期{_WEEK[day]}之后第{numeral(later)}天是星期几？（只填数字）"
    return Question(text, day + later + 1)


def _largest(random: Random) -> Question:
    numbers = random.sample(range(11, 99), 4)
    text = f"{'、'.join(numeral(n) for n in numbers)}，其中最大的数是多少？"
    return Question(text, max(numbers))


def _odd_one(random: Random) -> Question:
    kind, other = random.sample(sorted(_THINGS), 2)
    words = random.sample(_THINGS[other], 3)
    place = random.randrange(4)
    words.insert(place, random.choice(_THINGS[kind]))
    text = f"“{'、'.join(words)}”中，第几个是{kind}？"
    return Question(text, place + 1)


def _letters(random: Random) -> Question:
    sentence = random.choice(_SENTENCES)
    character = random.choice(sentence)
    return Question(f"“{sentence}”中有几个“{character}”字？", sentence.count(character))


KINDS: tuple[Callable[[Random], Question], ...] = (_sum, _product, _weekday, _largest, _odd_one, _letters)


def ask(random: Random) -> Question:
    """Return a new question."""
    return random.choice(KINDS)(random)


def number_of(text: str) -> int | None:
    """Return the number that a person typed, in digits of any width or in Chinese characters, or None."""
    plain = unicodedata.normalize("NFKC", text).strip()
    if re.fullmatch(r"[0-9]{1,4}", plain):
        return int(plain)
    return next((n for n in range(100) if numeral(n) == plain), None)
