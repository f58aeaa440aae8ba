"""Parsers of the fields of a feed. Each returns the value or raises `RowError`. No I/O."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal

from contracts.vocabulary import Stage

STAGES = {stage.value: stage.label for stage in Stage}
"""The eight stages (学段), in order of age."""

TOTAL = "total"
PUBLISHED_STAGES = {**STAGES, "higher": "普通高等教育", TOTAL: "合计"}
"""Published tables put all of higher education together, and have a line of totals."""

FUNDING = {
    "central": "中央财政",
    "local": "地方财政",
    "school": "学校",
    "social": "社会",
    "bank": "银行",
}
PUBLISHED_FUNDING = {"government": "财政", **FUNDING, "all": "全部来源"}
TERMS = {"spring": "春季", "autumn": "秋季", "year": "全年"}

FIRST_YEAR, LAST_YEAR = 2000, 2099

_FEN = Decimal("0.01")
_YI = Decimal(10) ** 8
_WAN = Decimal(10) ** 4
_MAX_YUAN = Decimal(10) ** 16
_MAX_AWARD = Decimal(10) ** 8
_NUMBER = re.compile(r"-?\d{1,24}(\.\d{1,24})?")
_TOKEN = re.compile(r"[A-Za-z0-9_\-]{16,64}")
_RECORD = re.compile(r"[A-Za-z0-9_\-.:/]{1,64}")
_CODE = re.compile(r"[A-Za-z0-9_]{1,64}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# GB 11643-1999: six digits of place, eight of birth date, three of sequence, and a check character.
_ID_NUMBER = re.compile(r"[0-9]{17}[0-9Xx]")
_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


class RowError(Exception):
    """A row is invalid: a stable `code` and a Chinese `reason`."""

    def __init__(self, code: str, reason: str) -> None:
        self.code = code
        self.reason = reason
        super().__init__(code)


Parser = Callable[[str], object]


def required(parse: Parser) -> Parser:
    """Require a non-empty field."""

    def parse_filled(value: str) -> object:
        if not value:
            raise RowError("missing_value", "必填项为空")
        return parse(value)

    return parse_filled


def optional(parse: Parser) -> Parser:
    """Accept an empty field as None."""
    return lambda value: parse(value) if value else None


def year(value: str) -> int:
    """Parse a calendar year, 2000–2099."""
    if not (
        len(value) == 4 and value.isascii() and value.isdigit() and FIRST_YEAR <= int(value) <= LAST_YEAR
    ):
        raise RowError("bad_year", f"年度应为 {FIRST_YEAR}–{LAST_YEAR} 的四位数字")
    return int(value)


def one_of(words: Mapping[str, str], code: str, name: str) -> Parser:
    """Return a parser that accepts each of `words` as code or Chinese word, and returns the code."""
    by_word = {**{word: key for key, word in words.items()}, **{key: key for key in words}}

    def parse(value: str) -> str:
        if value not in by_word:
            raise RowError(code, f"{name}应为以下之一：{'、'.join(words.values())}")
        return by_word[value]

    return parse


def text(limit: int, name: str) -> Parser:
    """Return a parser of free text of at most `limit` characters, without control characters."""

    def parse(value: str) -> str:
        if len(value) > limit or _CONTROL.search(value):
            raise RowError("bad_text", f"{name}过长（最多 {limit} 字）或含有控制字符")
        if holds_id_number(value):
            raise RowError("looks_like_id_number", f"{name}中疑似含有身份证号码")
        return value

    return parse


def record_id(value: str) -> str:
    """Parse the sender's id of the record."""
    if is_id_number(value) or holds_id_number(value):
        raise RowError("looks_like_id_number", "记录编号疑似身份证号码，不予接收")
    if not _RECORD.fullmatch(value):
        raise RowError("bad_record_id", "记录编号应为 1–64 位字母、数字或 _ - . : /")
    return value


def unit_code(value: str) -> str:
    """Parse the code of a unit. Does not check that the unit exists."""
    if not _CODE.fullmatch(value):
        raise RowError("unknown_unit", "单位代码不存在")
    return value


def person_token(value: str) -> str:
    """Parse an opaque token for a person; never an ID or student number."""
    if is_id_number(value) or holds_id_number(value):
        raise RowError("looks_like_id_number", "人员标识疑似身份证号或学籍号，不予接收；请使用脱敏后的标识")
    if not _TOKEN.fullmatch(value):
        raise RowError("bad_person_token", "人员标识应为 16–64 位字母、数字、下划线或连字符")
    return value


def yuan(value: str) -> Decimal:
    """Parse an award in yuan: more than zero, at most two decimals."""
    amount = _number(value)
    if amount <= 0:
        raise RowError("amount_not_positive", "金额应大于零")
    if amount != amount.quantize(_FEN):
        raise RowError("amount_not_exact", "金额最多两位小数（精确到分）")
    if amount > _MAX_AWARD:
        raise RowError("amount_too_large", "单笔金额过大")
    return amount.quantize(_FEN)


def yi_yuan(value: str) -> Decimal:
    """Convert 亿元 to yuan, exact to the fen."""
    amount = _number(value) * _YI
    if amount < 0 or amount >= _MAX_YUAN:
        raise RowError("amount_out_of_range", "金额应不小于零且不过大")
    if amount != amount.quantize(_FEN):
        raise RowError("amount_not_exact", "金额折合到元后最多两位小数")
    return amount.quantize(_FEN)


def percent(value: str) -> Decimal:
    """Parse a percentage: 0–100, at most four decimals."""
    share = _number(value)
    if not 0 <= share <= 100 or share != share.quantize(Decimal("0.0001")):
        raise RowError("bad_percent", "占比应在 0–100 之间，最多四位小数")
    return share


def wan_persons(value: str) -> int:
    """Convert 万 to whole persons."""
    persons = _number(value) * _WAN
    if not 0 <= persons < _MAX_YUAN or persons != persons.to_integral_value():
        raise RowError("bad_persons", "人数（万）应不小于零，最多四位小数")
    return int(persons)


def _number(value: str) -> Decimal:
    # No exponents, no thousands separators, ASCII digits only. Decimal alone would accept other forms.
    if not (value.isascii() and _NUMBER.fullmatch(value)):
        raise RowError("bad_number", "不是有效的数字")
    return Decimal(value)


def is_id_number(value: str) -> bool:
    """Return whether the whole value has the format of an ID number.

    Ignores separators and the letter in front of a student number (学籍号: G, J or L and the
    ID number).
    """
    bare = re.sub(r"[\s\-_.:/]", "", value)
    return _ID_NUMBER.fullmatch(bare[1:] if bare[:1] in "GJLgjl" else bare) is not None


def holds_id_number(value: str) -> bool:
    """Return whether the value contains a valid ID number.

    Checks birth date and check character, because long random tokens can contain eighteen digits in a row.
    """
    return any(_is_real_id(value[match.start() : match.start() + 18]) for match in _starts(value))


def mask_id_numbers(value: str) -> str:
    """Mask everything in the value that could be an ID number (`370102************`)."""
    if is_id_number(value):
        return value[:6] + "*" * (len(value) - 6)
    return _ID_NUMBER.sub(lambda match: match.group()[:6] + "*" * 12, value)


def _starts(value: str) -> "list[re.Match[str]]":
    return list(re.finditer(r"(?=[0-9]{17}[0-9Xx])", value))


def _is_real_id(value: str) -> bool:
    try:
        born = date(int(value[6:10]), int(value[10:12]), int(value[12:14]))
    except ValueError:
        return False
    if not 1900 <= born.year <= 2099:
        return False
    total = sum(int(digit) * weight for digit, weight in zip(value, _ID_WEIGHTS, strict=False))
    return "10X98765432"[total % 11] == value[17].upper()
