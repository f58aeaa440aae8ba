"""Fictional people for demonstrations and tests, the same in every run.

Phones are 1990000xxxx. No numbering plan reserves mobile numbers for fiction, so these numbers may be in use:
load these people only where text messages stay on the machine (the dev inbox), never with a live SMS gateway.
"""

from contracts.vocabulary import Role
from identity.units.rules import CENTRE_CODE, PersonSeed

DEMO_PHONE_BASE = 19_900_000_000
CENTRE_PHONES = range(DEMO_PHONE_BASE + 1, DEMO_PHONE_BASE + 100)
UNIT_PHONES = range(DEMO_PHONE_BASE + 1_001, DEMO_PHONE_BASE + 10_000)
"""Two phones per unit: those of the n-th unit end in 1000 + 2n - 1 and the next number, up to
MAX_UNIT_NUMBER.
"""

MAX_UNIT_NUMBER = len(UNIT_PHONES) // 2

FIRST_PERSON: tuple[Role, ...] = (Role.UNIT_ADMIN, Role.APPROVER)
SECOND_PERSON: tuple[Role, ...] = (Role.HANDLER,)

_SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱郭何林高罗郑梁谢宋唐许韩冯曹彭曾肖田董潘袁蔡蒋余于杜"
_FIRST = "秀雅思嘉佳欣梓若语子宇浩俊晨书景明志海春玉红丽静"
_SECOND = "涵琪瑶宁萍娟敏琳婷霞轩远峰辉磊安恒鹏林阳生华成兰"
_NAMES = len(_SURNAMES) * len(_FIRST) * len(_SECOND)
_STRIDE = 10_853
"""Coprime to _NAMES, so that consecutive names differ clearly and none repeats."""


def person_name(number: int) -> str:
    """Return the name of the number-th fictional person; the first 23,040 names are distinct."""
    rest, surname = divmod(number * _STRIDE % _NAMES, len(_SURNAMES))
    first, second = divmod(rest, len(_SECOND))
    return _SURNAMES[surname] + _FIRST[first] + _SECOND[second]


def unit_staff(unit_code: str, number: int) -> tuple[PersonSeed, PersonSeed]:
    """Return the two people of the number-th unit: 单位管理员, who is also 签发人, and 经办人.

    Numbers run from 1 to MAX_UNIT_NUMBER, the end of the phone range; world S uses 1 to 1,016. Raises
    ValueError for others.
    """
    if not 1 <= number <= MAX_UNIT_NUMBER:
        raise ValueError(f"unit number {number} is outside 1…{MAX_UNIT_NUMBER}")
    index = 2 * (number - 1)
    return (
        _person(UNIT_PHONES[index], unit_code, FIRST_PERSON),
        _person(UNIT_PHONES[index + 1], unit_code, SECOND_PERSON),
    )


def centre_staff() -> list[PersonSeed]:
    """Return the centre's 单位管理员 (also 签发人), 经办人 and 审核人. Not among the 2,032 of world S."""
    roles: tuple[tuple[Role, ...], ...] = (FIRST_PERSON, SECOND_PERSON, (Role.REVIEWER,))
    return [_person(phone, CENTRE_CODE, held) for phone, held in zip(CENTRE_PHONES, roles, strict=False)]


def _person(phone: int, unit_code: str, roles: tuple[Role, ...]) -> PersonSeed:
    # Names are derived from phones, which are unique, so that names are unique too.
    return PersonSeed(str(phone), person_name(phone - DEMO_PHONE_BASE), unit_code, roles)
