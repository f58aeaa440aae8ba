"""Citizen identity numbers (GB 11643-1999) and limits of real-name checks. Pure."""

import re
import unicodedata
from datetime import date, timedelta
from enum import Enum

CHECKS_A_DAY = 5
"""Checks of one account, or of one number before there is an account, within a day."""
DAY = timedelta(days=1)
NOTICE = (
    "为核验实名身份，须处理您的公民身份号码。该号码加密保存，只用于核验身份和找回账号，不向其他系统提供。"
)
"""What a person agrees to separately (Personal Information Protection Law, articles 29 and 30)."""

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"
_FORM = re.compile(r"[0-9]{17}[0-9X]")
# First digits of division codes (GB/T 2260), with 81 to 83 for residents of Hong Kong, Macao and Taiwan and 9
# for permanent residents from abroad.
_PLACE = re.compile(r"(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3]|9[1-9])")


class IdFault(Enum):
    """Why a text is no identity number."""

    LENGTH = "公民身份号码应为 18 位。"
    PLACE = "公民身份号码的地址码不正确，请核对前 6 位。"
    DATE = "公民身份号码中的出生日期不存在，请核对第 7 至 14 位。"
    CHECK = "公民身份号码的校验码不正确，请核对是否有录入错误。"


def check_character(first: str) -> str:
    """Return the check character for the first 17 digits (ISO 7064, MOD 11-2)."""
    return _CHECKS[sum(int(digit) * weight for digit, weight in zip(first, _WEIGHTS, strict=True)) % 11]


def read_id_number(text: str, today: date) -> str | IdFault:
    """Return an identity number in its one form, or what is wrong with `text`.

    Accepts blanks, hyphens, full-width characters and a lower-case x.
    """
    plain = re.sub(r"[\s\-]", "", unicodedata.normalize("NFKC", text)).upper()
    if not _FORM.fullmatch(plain):
        return IdFault.LENGTH
    if not _PLACE.match(plain):
        return IdFault.PLACE
    try:
        born = date(int(plain[6:10]), int(plain[10:12]), int(plain[12:14]))
    except ValueError:
        return IdFault.DATE
    if not date(1900, 1, 1) <= born <= today:
        return IdFault.DATE
    return plain if plain[17] == check_character(plain[:17]) else IdFault.CHECK
