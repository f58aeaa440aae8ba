"""Validation and masking of phone numbers and names."""

import re

import phonenumbers

_CHINESE = re.compile(
    r"^[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003134f]([\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003134f·]{0,28})[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003134f]$"
)
_LATIN = re.compile(r"^[A-Za-z][A-Za-z .'\-]{0,48}[A-Za-z.]$")


def normalise_phone(text: str) -> str | None:
    """Return the 11 digits of a mainland mobile number, or None for other input."""
    try:
        number = phonenumbers.parse(text, "CN")
    except phonenumbers.NumberParseException:
        return None
    if number.country_code != 86 or not phonenumbers.is_valid_number(number):
        return None
    if phonenumbers.number_type(number) != phonenumbers.PhoneNumberType.MOBILE:
        return None
    return str(number.national_number)


def mask_phone(phone: str) -> str:
    """Mask a number as `138****0000` (GB/T 35273-2020 §7.2)."""
    return f"{phone[:3]}****{phone[-4:]}"


def is_real_name(name: str) -> bool:
    """Return whether `name` can be a legal name: Chinese characters with 「·」, or Latin letters."""
    return bool(_CHINESE.match(name) or _LATIN.match(name))
