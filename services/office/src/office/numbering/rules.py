"""The form of a document number (发文字号). Pure functions."""

import re
from typing import Final

MAX_NUMBER: Final = 99_999
MAX_EXPORTED: Final = 20_000
"""Numbers in one workbook: a year of one unit."""

# GB/T 9704-2012 §7.2.5: 机关代字, the year in full in 〔〕 (not [] or ()), a number without padding, 号.
PREFIX: Final = r"[\u3400-\u9fff]{1,20}"
_DOCUMENT_NUMBER = re.compile(PREFIX + r"〔(19|20)\d{2}〕[1-9]\d{0,4}号")


def is_document_number(text: str) -> bool:
    """Return whether `text` is a valid 发文字号 such as 教助中心〔2023〕11号 (GB/T 9704-2012 §7.2.5)."""
    return _DOCUMENT_NUMBER.fullmatch(text) is not None


def document_number(prefix: str, year: int, serial: int) -> str:
    """Return the 发文字号: 教助中心〔2023〕11号."""
    return f"{prefix}〔{year}〕{serial}号"
