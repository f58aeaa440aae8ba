"""Made-up people for demonstrations and tests: the same ones every time, nobody real.

Phones are 1990000xxxx. No numbering plan sets mobile numbers aside for fiction, so these could be
somebody's: load these people only where text messages stay on the machine (the dev inbox), never behind a
live SMS gateway.
"""

from contracts.vocabulary import Role
from identity.units.rules import CENTRE_CODE, PersonSeed

DEMO_PHONE_BASE = 19_900_000_000
CENTRE_PHONES = range(DEMO_PHONE_BASE + 1, DEMO_PHONE_BASE + 100)
UNIT_PHONES = range(DEMO_PHONE_BASE + 1_001, DEMO_PHONE_BASE + 10_000)
"""Two a unit: the n-th unit's end in 1000 + 2n - 1 and in the next number, up to MAX_UNIT_NUMBER."""

MAX_UNIT_NUMBER = len(UNIT_PHONES) // 2

FIRST_PERSON: tuple[Role, ...] = (Role.UNIT_ADMIN, Role.APPROVER)
SECOND_PERSON: tuple[Role, ...] = (Role.HANDLER,)

_SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱郭何林高罗郑梁谢宋唐许韩冯曹彭曾肖田董潘袁蔡蒋余于杜"
_FIRST = "秀雅思嘉佳欣梓若语子宇浩俊晨书景明志海春玉红丽静"
_SECOND = "涵琪瑶宁萍娟敏琳婷霞轩远峰辉磊安恒鹏林阳生华成兰"
_NAMES = len(_SURNAMES) * len(_FIRST) * len(_SECOND)
_STRIDE = 10_853
"""Has no divisor in common with _NAMES: neighbours get unlike names and no name comes twice."""


def person_name(number: int) -> str:
    """The name of the number-th made-up person; the first 23,040 have different ones."""
    rest, surname = divmod(number * _STRIDE % _NAMES, len(_SURNAMES))
    first, second = divmod(rest, len(_SECOND))
    return _SURNAMES[surname] + _FIRST[first] + _SECOND[second]


def unit_staff(unit_code: str, number: int) -> tuple[PersonSeed, PersonSeed]:
    """The two people of the number-th unit: 单位管理员 who also signs off (签发人), and 经办人.

    Numbers run from 1 to MAX_UNIT_NUMBER, where the range of phones ends; world S uses 1 to 1,016. Raises
    ValueError outside them.
    """
    if not 1 <= number <= MAX_UNIT_NUMBER:
        raise ValueError(f"unit number {number} is outside 1…{MAX_UNIT_NUMBER}")
    index = 2 * (number - 1)
    return (
        _person(UNIT_PHONES[index], unit_code, FIRST_PERSON),
        _person(UNIT_PHONES[index + 1], unit_code, SECOND_PERSON),
    )


def centre_staff() -> list[PersonSeed]:
    """The centre's own three: 单位管理员 and 签发人; 经办人; 审核人. Not among the 2,032 of world S."""
    roles: tuple[tuple[Role, ...], ...] = (FIRST_PERSON, SECOND_PERSON, (Role.REVIEWER,))
    return [_person(phone, CENTRE_CODE, held) for phone, held in zip(CENTRE_PHONES, roles, strict=False)]


def _person(phone: int, unit_code: str, roles: tuple[Role, ...]) -> PersonSeed:
    # The name follows from the phone: everybody's phone is different, so everybody's name is too.
    return PersonSeed(str(phone), person_name(phone - DEMO_PHONE_BASE), unit_code, roles)
