"""Parsers of the fields of a feed. Each returns the value or raises `RowError`. No I/O."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal

from cockpit.feeds import personal

FIRST_YEAR, LAST_YEAR = 2000, 2099

_FEN = Decimal("0.01")
_YI = Decimal(10) ** 8
_WAN = Decimal(10) ** 4
_MAX_YUAN = Decimal(10) ** 16
_MAX_AWARD = Decimal(10) ** 8
_NUMBER = re.compile(r"-?\d{1,24}(\.\d{1,24})?")
_TOKEN = re.compile(r"[A-Za-z0-9_\-]{16,64}")
_RECORD = re.compile(r"[A-Za-z0-9_\-.:/]{1,64}")
_DAY = re.compile(
    r"(\d{4})(?:([-/.])(\d{1,2})\2(\d{1,2})|年(\d{1,2})月(\d{1,2})日|(\d{2})(\d{2}))(?:[ T]00:00(?::00)?)?"
)
_CODE = re.compile(r"[A-Za-z0-9_]{1,64}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class RowError(ValueError):
    """A row is invalid: a stable `code`, a Chinese `reason`, and the column, unless it is about the row."""

    def __init__(self, code: str, reason: str, column: str | None = None) -> None:
        self.code = code
        self.reason = reason
        self.column = column
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


def school_year(value: str) -> int:
    """Parse a school year, `2024` or `2024-2025`, and return the year in which it begins."""
    first, _, second = value.replace("—", "-").replace("－", "-").partition("-")
    begins = year(first.removesuffix("学年"))
    if second and second.removesuffix("学年") not in {str(begins + 1), str(begins + 1)[2:]}:
        raise RowError("bad_year", "学年应为 2024 或 2024-2025 的形式")
    return begins


def day(value: str) -> date:
    """Parse a date: `2024-03-01`, `2024/3/1`, `2024.3.1`, `20240301` or `2024年3月1日`."""
    match = _DAY.fullmatch(value)
    if match is None or not value.replace("年", "").replace("月", "").replace("日", "").isascii():
        raise RowError("bad_date", "日期应为 2024-03-01、2024/3/1、2024.3.1、20240301 或 2024年3月1日 的形式")
    parts = [part for part in match.groups() if part is not None and part.isdigit()]
    try:
        found = date(*map(int, parts))
    except ValueError:
        raise RowError("bad_date", "没有这个日期") from None
    if not FIRST_YEAR - 100 <= found.year <= LAST_YEAR:
        raise RowError("bad_date", f"日期应在 {FIRST_YEAR - 100}–{LAST_YEAR} 年之间")
    return found


def one_of(words: Mapping[str, str], code: str, name: str, other: Mapping[str, str] | None = None) -> Parser:
    """Return a parser that accepts each of `words` as code or Chinese word, and `other` words for codes; it
    returns the code.
    """
    by_word = {
        **(other or {}),
        **{word: key for key, word in words.items()},
        **{key: key for key in words},
    }
    offered = "、".join(words.values())

    def parse(value: str) -> str:
        if value not in by_word:
            raise RowError(code, f"{name}应为以下之一：{offered}")
        return by_word[value]

    return parse


def text(limit: int, name: str) -> Parser:
    """Return a parser of free text of at most `limit` characters, without control characters."""

    def parse(value: str) -> str:
        if len(value) > limit or _CONTROL.search(value):
            raise RowError("bad_text", f"{name}过长（最多 {limit} 字）或含有控制字符")
        impersonal(value, name)
        return value

    return parse


def record_id(value: str) -> str:
    """Parse the sender's id of the record."""
    impersonal(value, "记录编号", whole=True)
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
    impersonal(value, "人员标识", whole=True)
    if not _TOKEN.fullmatch(value):
        raise RowError("bad_person_token", "人员标识应为 16–64 位字母、数字、下划线或连字符")
    return value


def yuan(value: str) -> Decimal:
    """Parse the amount of one record in yuan: more than zero, at most two decimals and 10⁸."""
    return _yuan(value, _MAX_AWARD)


def large_yuan(value: str) -> Decimal:
    """Parse the amount of a flow of funds in yuan: more than zero, at most two decimals, below 10¹⁶."""
    return _yuan(value, _MAX_YUAN - 1)


def balance(value: str) -> Decimal:
    """Parse a balance in yuan: not below zero, at most two decimals and 10⁸."""
    return Decimal("0.00") if not _number(value) else _yuan(value, _MAX_AWARD)


def whole(value: str) -> int:
    """Parse a number of persons or times: whole and not below zero."""
    if not (value.isascii() and value.isdigit() and len(value) <= 15):
        raise RowError("bad_persons", "应为不小于零的整数")
    return int(value)


def grade(value: str) -> str:
    """Parse a grade: the year of study, 1–9."""
    if value not in set("123456789"):
        raise RowError("bad_grade", "年级应为 1–9，即本学段的第几学年")
    return value


def document_number(value: str) -> str:
    """Parse the number of an official document (文号): `教财〔2024〕16号`."""
    impersonal(value, "文号")
    if len(value) > 64 or _CONTROL.search(value):
        raise RowError("bad_document_number", "文号最多 64 字，如 教财〔2024〕16号")
    return value


def _yuan(value: str, most: Decimal) -> Decimal:
    amount = _number(value)
    if amount <= 0:
        raise RowError("amount_not_positive", "金额应大于零")
    if amount != amount.quantize(_FEN):
        raise RowError("amount_not_exact", "金额最多两位小数（精确到分）")
    if amount > most:
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
        separated = value.replace(",", "").replace("，", "")
        hint = "；不带千分位" if separated != value and _NUMBER.fullmatch(separated) else ""
        raise RowError("bad_number", f"不是有效的数字{hint}")
    return Decimal(value)


def impersonal(value: str, name: str, *, whole: bool = False) -> None:
    """Refuse a text that holds an ID number, student number, phone or bank card; `whole`, also one that has
    the shape of an ID number although its date is wrong.
    """
    found = personal.find(value)
    code = found[0].code if found else None
    if code is None and whole and personal.is_id_shaped(value):
        code = personal.ID_NUMBER
    if code is not None:
        raise RowError(
            code,
            f"{name}中疑似含有{personal.WORDS[code]}，不予接收；请改用不能识别个人的编号（可加字母前缀）",
        )
