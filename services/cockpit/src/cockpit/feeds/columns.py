"""What a column of a feed may hold: its parser, its type in Arrow, and the rule in words."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pyarrow as pa

from cockpit.feeds import rules, values
from cockpit.feeds.rules import Parser

MONEY = pa.decimal128(20, 2)


@dataclass(frozen=True)
class Kind:
    """A kind of column.

    `parse` is the rule. Texts that match `sure` and not `unsure` are valid and keep their text, cast to
    `arrow`: they need not be parsed one by one, which most texts of a large file are spared.
    """

    title: str
    rule: str
    parse: Parser
    arrow: pa.DataType
    values: Mapping[str, str] = field(default_factory=dict)
    sure: str | None = None
    unsure: str | None = None


@dataclass(frozen=True)
class Column:
    """A column: `name` and the Chinese name are both headings. `fact` is its column in the facts."""

    name: str
    chinese: str
    kind: Kind
    example: str
    required: bool = True
    meaning: str = ""
    fact: str | None = None

    @property
    def stored(self) -> str:
        """The name of the fact's column."""
        return self.fact or self.name

    def parse(self, value: str) -> object:
        """Parse a text without spaces around it. Raises `RowError`."""
        parse = rules.required(self.kind.parse) if self.required else rules.optional(self.kind.parse)
        return parse(value)


def choice(title: str, words: Mapping[str, str], code: str, other: Mapping[str, str] | None = None) -> Kind:
    """Return the kind of a column with one of `words`."""
    rule = "以下之一，可填代码或中文"
    return Kind(title, rule, rules.one_of(words, code, title, other), pa.string(), words)


def text(title: str, limit: int) -> Kind:
    """Return the kind of a free text."""
    rule = f"最多 {limit} 字，不得含有身份证号、手机号、银行卡号"
    return Kind(title, rule, rules.text(limit, title), pa.string())


def _perhaps_personal(apart: str) -> str:
    """Return a pattern of all texts in which `cockpit.feeds.personal` may find a number, and of few others.

    It knows the shapes and the days of a month, not the check characters. `apart` is one of the characters
    that may stand between digits.
    """

    def digits(pattern: str) -> str:
        return f"{apart}*".join(re.findall(r"\[[^]]+\]|[0-9]", pattern.replace("#", "[0-9]")))

    month_and_day = [
        f"{month}{day}" for month in ("0[1-9]", "1[0-2]") for day in ("0[1-9]", "[12]#", "3[01]")
    ]
    shapes = [
        *("#" * 6 + century + "##" + day + "###[0-9Xx]" for century in ("19", "20") for day in month_and_day),
        *("#" * 8 + day + "###" for day in month_and_day),
        *("62" + "#" * 14, "4" + "#" * 15, "5[1-5]" + "#" * 14),
        "[GJLgjl]" + "#" * 17 + "[0-9Xx]",
    ]
    # In groups of 3, 4 and 4 digits, two of which may be one.
    phone = f"1[3-9][0-9]{apart}*[0-9]{{4}}{apart}*[0-9]{{4}}"
    whole = f"^{apart}*[GJLgjl]?{apart}*(?:[0-9]{apart}*){{17}}[0-9Xx]{apart}*$"
    return "|".join([*map(digits, shapes), phone, whole])


RECORD = Kind(
    "编号",
    "1–64 位字母、数字或 _ - . : /，在同一单位内唯一，不得是身份证号、手机号或银行卡号",
    rules.record_id,
    pa.string(),
    sure=r"^[A-Za-z0-9_\-.:/]{1,64}$",
    unsure=_perhaps_personal(r"[_\-.:/]"),
)


TOKEN = Kind(
    "标识",
    "16–64 位字母、数字、下划线或连字符；由报送方以带密钥的散列（HMAC）生成，同一人始终相同，"
    "不得是证件号、学籍号或卡号",
    rules.person_token,
    pa.string(),
    sure=r"^[A-Za-z0-9_\-]{16,64}$",
    unsure=_perhaps_personal(r"[_\-]"),
)
UNIT = Kind("单位代码", "统一用户认证中的单位代码，在批次所属单位管辖范围内", rules.unit_code, pa.string())
YEAR = Kind("年度", "自然年，2000–2099 的四位数字", rules.year, pa.uint16())
SCHOOL_YEAR = Kind("学年", "学年开始的年份，如 2024 或 2024-2025", rules.school_year, pa.uint16())
DAY = Kind(
    "日期",
    "2024-03-01、2024/3/1、2024.3.1、20240301 或 2024年3月1日",
    rules.day,
    pa.date32(),
)
_SURE_MONEY = r"^[1-9][0-9]{0,6}(?:\.[0-9]{1,2})?$"
YUAN = Kind(
    "金额（元）", "大于零，最多两位小数，不超过 1 亿，不带千分位", rules.yuan, MONEY, sure=_SURE_MONEY
)
LARGE_YUAN = Kind("金额（元）", "大于零，最多两位小数，不带千分位", rules.large_yuan, MONEY, sure=_SURE_MONEY)
BALANCE = Kind("金额（元）", "不小于零，最多两位小数，不带千分位", rules.balance, MONEY, sure=_SURE_MONEY)
YI_YUAN = Kind("金额（亿元）", "不小于零，折合到元后最多两位小数", rules.yi_yuan, MONEY)
PERCENT = Kind("百分比", "0–100，最多四位小数", rules.percent, pa.decimal128(9, 4))
WAN_PERSONS = Kind("人数（万）", "不小于零，最多四位小数", rules.wan_persons, pa.int64())
GRADE = Kind("年级", "1–9，即本学段的第几学年", rules.grade, pa.string())
DOCUMENT = Kind("文号", "最多 64 字，如 教财〔2024〕16号", rules.document_number, pa.string())
TERM = choice("学期", values.TERMS, "unknown_term")
STAGE = choice("学段", values.STAGES, "unknown_stage")
FUNDING = choice("资金来源", values.FUNDING, "unknown_funding")
PROGRAMME = choice("资助项目", values.PROGRAMMES, "unknown_programme", values.PROGRAMME_WORDS)


@dataclass(frozen=True)
class Check:
    """A rule over several columns of a row. `holds` gets their values, which are valid, as arrays; a null
    result holds, too. The error is reported at the first column.
    """

    code: str
    reason: str
    columns: tuple[str, ...]
    holds: Callable[..., pa.Array]


def folded(heading: str) -> str:
    """Return a heading as it is compared: half width, without spaces around it."""
    return unicodedata.normalize("NFKC", heading.strip("\ufeff \t\r\n\u3000\u00a0"))
