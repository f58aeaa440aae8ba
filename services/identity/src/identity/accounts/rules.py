"""Validation, normalization and masking of phone numbers and names. Pure."""

import re
import unicodedata
from datetime import timedelta
from enum import Enum

import phonenumbers

# Unified ideographs with extensions A to I, the twelve unified ones among the compatibility characters, and
# 〇.
_HAN = (
    "\u3007\u3400-\u4dbf\u4e00-\u9fff"
    "\ufa0e\ufa0f\ufa11\ufa13\ufa14\ufa1f\ufa21\ufa23\ufa24\ufa27-\ufa29"
    "\U00020000-\U000323af"
)
_CHINESE = re.compile(rf"[{_HAN}]+(?:·[{_HAN}]+)*")
_LATIN = re.compile(r"[^\W\d_](?:[^\W\d_]|[ .'\-·])*[^\W\d_]\.?")
_DOTS = re.compile(r"\s*[·•‧∙⋅・･]\s*")
"""Dots that keyboards and forms offer for the middle dot of names (U+00B7)."""
_BETWEEN_HAN = re.compile(rf"(?<=[{_HAN}])[\s.](?=[{_HAN}])")
_SELECTORS = re.compile("[\ufe00-\ufe0f\U000e0100-\U000e01ef\u200b-\u200d\u2060\ufeff]")
"""Variation selectors and zero-width characters, which only choose a glyph or nothing at all."""
MAX_NAME = 50

_NUMBER = re.compile(r"[+\d\s().\-]{5,40}")

CORRECTIONS = 3
"""Corrections of the name of one account within `CORRECTIONS_WITHIN`."""
CORRECTIONS_WITHIN = timedelta(days=30)


class PhoneFault(Enum):
    """Why a text is no number that an account can have."""

    UNREADABLE = "请输入 11 位手机号码。"
    LANDLINE = "这是固定电话号码，不能接收短信验证码，请填写手机号码。"
    FOREIGN = "目前只支持中国大陆的手机号码（+86）。"
    UNKNOWN = "该号码不在现行手机号段内，请核对后重新输入。"


_FIXED = frozenset(
    {
        phonenumbers.PhoneNumberType.FIXED_LINE,
        phonenumbers.PhoneNumberType.TOLL_FREE,
        phonenumbers.PhoneNumberType.SHARED_COST,
        phonenumbers.PhoneNumberType.UAN,
        phonenumbers.PhoneNumberType.VOIP,
    }
)


def read_phone(text: str) -> str | PhoneFault:
    """Return the 11 digits of a mobile number of mainland China, or what is wrong with `text`.

    Accepts `+86`, `0086`, spaces, dashes, parentheses and full-width characters. The number plan is that of
    `phonenumbers`.
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    plain = re.sub(r"[‐‑‒–—―−]", "-", plain)
    if not _NUMBER.fullmatch(plain):
        return PhoneFault.UNREADABLE
    try:
        number = phonenumbers.parse(plain, "CN")
    except phonenumbers.NumberParseException:
        return PhoneFault.UNREADABLE
    if number.country_code != 86:
        return PhoneFault.FOREIGN
    kind = phonenumbers.number_type(number)
    if kind == phonenumbers.PhoneNumberType.MOBILE:
        return str(number.national_number)
    if kind in _FIXED:
        return PhoneFault.LANDLINE
    digits = str(number.national_number)
    return PhoneFault.UNKNOWN if len(digits) == 11 and digits[0] == "1" else PhoneFault.UNREADABLE


def normalise_phone(text: str) -> str | None:
    """Return the 11 digits of a mainland mobile number, or None for other input."""
    read = read_phone(text)
    return read if isinstance(read, str) else None


def mask_phone(phone: str) -> str:
    """Mask a number as `138****0000` (GB/T 35273-2020 §7.2)."""
    return f"{phone[:3]}****{phone[-4:]}"


def mask_name(name: str) -> str:
    """Mask a name as `王**`: the first character stays, and the number of the others is not shown."""
    return f"{name[:1]}**"


def mask_id_number(number: str) -> str:
    """Mask an identity number as `110***********123X` (GB/T 35273-2020 §7.2)."""
    return f"{number[:3]}{'*' * 11}{number[-4:]}"


def normalise_name(text: str) -> str:
    """Return a name as it is stored: one form of each character, 「·」 for every middle dot, no spaces
    between Chinese characters, single spaces between Latin words.

    Two spellings of one name thus become equal; the characters themselves are not replaced by common ones.
    """
    name = _SELECTORS.sub("", unicodedata.normalize("NFC", text))
    # Full-width Latin letters and spaces; NFKC as a whole would replace rare characters.
    name = "".join(
        unicodedata.normalize("NFKC", c) if "\uff01" <= c <= "\uff5e" or c == "\u3000" else c for c in name
    )
    name = _DOTS.sub("·", " ".join(name.split()))
    while (shorter := _BETWEEN_HAN.sub(lambda found: "·" if found[0] == "." else "", name)) != name:
        name = shorter
    return name


def is_real_name(name: str) -> bool:
    """Return whether a normalized `name` can be a legal name: 2 to 30 Chinese characters with 「·」, or 2 to
    50 Latin letters.
    """
    if _CHINESE.fullmatch(name):
        return 2 <= len(name) <= 30
    return 2 <= len(name) <= MAX_NAME and bool(_LATIN.fullmatch(name)) and _is_latin(name)


def _is_latin(name: str) -> bool:
    return all("LATIN" in unicodedata.name(c, "") for c in name if c.isalpha())
