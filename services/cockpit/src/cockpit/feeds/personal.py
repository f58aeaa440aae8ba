"""Numbers that identify a person: found wherever a file has them, and masked. Pure.

Citizen ID numbers of 18 (GB 11643-1999) and 15 digits, student numbers (学籍号: G, J or L before an ID
number), mobile phones and bank cards (Luhn check, ISO/IEC 7812-1). Digits may be full width and apart from
each other by any number of spaces, hyphens, dots, other marks or marks without width.
"""

import re
import unicodedata
from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

_LEAST = 11
_APART = (
    r"[\s\-_.:/\\·•()\[\]+*#|=~'\",;，、；。～\u00ad\u200b-\u200f\u2010-\u2015\u2060\u2212\ufeff"
    r"\uff08\uff09\uff0d\uff0e\uff0f\uff1a]"
)
_RUN = re.compile(rf"[0-9](?:{_APART}*[0-9])*(?:{_APART}*[Xx](?![0-9A-Za-z]))?")
_GROUP = re.compile(r"[0-9]+[Xx]?|[Xx]")
_WORD = re.compile(r"[0-9A-Za-z]")
_ID = re.compile(r"[0-9]{17}[0-9Xx]")
_WINDOW = re.compile(r"(?=([0-9]{17}[0-9Xx]))")
_LONG = re.compile(r"[0-9]{15,}[Xx]?")
_PHONE = re.compile(r"(?:\+?(?:00)?86)?1[3-9][0-9]{9}")
_PHONE_GROUPS = {(11,), (13,), (15,), (3, 4, 4), (3, 8), (7, 4), (2, 11), (4, 11), (2, 3, 4, 4), (4, 3, 4, 4)}
_CARD = re.compile(r"62[0-9]{14,17}|4[0-9]{15}|5[1-5][0-9]{14}")
_CARD_GROUPS = {(4, 4, 4, 4), (4, 4, 4, 4, 1), (4, 4, 4, 4, 2), (4, 4, 4, 4, 3), (6, 13)}
_STUDENT = frozenset("GJLgjl")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
# GB/T 2260: the first two digits of the place.
_PROVINCES = frozenset(
    f"{code}"
    for first, last in ((11, 15), (21, 23), (31, 37), (41, 46), (50, 54), (61, 65), (71, 71), (81, 82))
    for code in range(first, last + 1)
)

ID_NUMBER, PHONE, BANK_CARD = "looks_like_id_number", "looks_like_phone", "looks_like_bank_card"
"""The codes of rows that hold such a number."""
WORDS = {ID_NUMBER: "身份证号或学籍号", PHONE: "手机号码", BANK_CARD: "银行卡号"}
_KEPT = {ID_NUMBER: 6, PHONE: 3, BANK_CARD: 6}


class Found(NamedTuple):
    """A personal number: its place in the text, and its code."""

    start: int
    end: int
    code: str


def find(value: str) -> list[Found]:
    """Return the personal numbers in a text, by place; they may overlap."""
    if len(value) < _LEAST:
        return []
    plain = _plain(value)
    if sum(map(str.isdigit, plain)) < _LEAST:
        return []
    found: set[Found] = set()
    for run in _RUN.finditer(plain):
        found.update(_in_run(plain, run.start(), run.end()))
    # Inside of a longer word, only with the right check character: random tokens can have 18 digits in a row.
    for window in _WINDOW.finditer(plain):
        if _is_real(window.group(1)):
            found.add(Found(window.start(), window.start() + 18, ID_NUMBER))
    return sorted(found)


def mask(value: str, *, widely: bool = False) -> str:
    """Mask the personal numbers in a text: `370102************`, `138********`.

    `widely` also masks every sequence of fifteen and more digits.
    """
    found = find(value)
    if widely:
        found += [Found(match.start(), match.end(), ID_NUMBER) for match in _LONG.finditer(_plain(value))]
    if not found:
        return value
    characters = list(value)
    for start, end, code in found:
        left = _KEPT[code]
        for at in range(start, end):
            if _WORD.match(_plain(characters[at])):
                if left <= 0:
                    characters[at] = "*"
                left -= 1
    return "".join(characters)


def _plain(value: str) -> str:
    """Return the text with ASCII digits and letters, character by character."""
    if value.isascii():
        return value
    return "".join(character if character.isascii() else _plain_character(character) for character in value)


def _plain_character(character: str) -> str:
    digit = unicodedata.digit(character, None)
    if digit is not None:
        return str(digit)
    folded = unicodedata.normalize("NFKC", character)
    return folded if len(folded) == 1 else character


def _in_run(plain: str, start: int, end: int) -> Iterator[Found]:
    groups = [(match.start(), match.end()) for match in _GROUP.finditer(plain, start, end)]
    if len(groups) > 1 and plain[groups[-1][0]] in "Xx":
        groups[-2:] = [(groups[-2][0], groups[-1][1])]
    before, after = plain[start - 1 : start], plain[end : end + 1]
    # Every group may begin a number: a bound here would hide the numbers behind it. The work is linear,
    # because no number has more than 19 digits.
    for first in range(len(groups)):
        # A letter right before the digits makes them part of a word, unless it marks a student number.
        attached = first == 0 and _WORD.match(before) is not None
        if attached and not (before in _STUDENT and _WORD.match(plain[start - 2 : start - 1]) is None):
            continue
        text = ""
        lengths: list[int] = []
        for last in range(first, len(groups)):
            text += _WORD_ONLY.sub("", plain[groups[last][0] : groups[last][1]])
            lengths.append(len(text) - sum(lengths))
            if len(text) > 19:
                break
            if last == len(groups) - 1 and _WORD.match(after):
                break
            code = _code(text, tuple(lengths), student=attached)
            if code is not None:
                yield Found(groups[first][0], groups[last][1], code)


_WORD_ONLY = re.compile(r"[^0-9A-Za-z]")


def _code(text: str, lengths: tuple[int, ...], *, student: bool) -> str | None:
    if _ID.fullmatch(text) and (student or _is_date(text[6:14])):
        return ID_NUMBER
    if len(text) == 15 and text.isdigit() and text[:2] in _PROVINCES and _is_date("19" + text[6:12]):
        return ID_NUMBER
    if student:
        return None
    if lengths in _PHONE_GROUPS and _PHONE.fullmatch(text):
        return PHONE
    if (len(lengths) == 1 or lengths in _CARD_GROUPS) and _CARD.fullmatch(text) and _luhn(text):
        return BANK_CARD
    return None


def is_id_shaped(value: str) -> bool:
    """Return whether a whole value has the shape of an ID number or student number, whatever its date."""
    bare = _WORD_ONLY.sub("", _plain(value))
    return _ID.fullmatch(bare[1:] if bare[:1] in _STUDENT else bare) is not None


def _is_date(digits: str) -> bool:
    try:
        born = date(int(digits[:4]), int(digits[4:6]), int(digits[6:8]))
    except ValueError:
        return False
    return 1900 <= born.year <= 2099


def _is_real(text: str) -> bool:
    if not _is_date(text[6:14]):
        return False
    total = sum(int(digit) * weight for digit, weight in zip(text, _WEIGHTS, strict=False))
    return "10X98765432"[total % 11] == text[17].upper()


def _luhn(text: str) -> bool:
    total = 0
    for at, digit in enumerate(reversed(text)):
        value = int(digit) * (2 if at % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
