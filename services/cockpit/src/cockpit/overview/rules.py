"""Calculation and display of figures. Pure functions."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from contracts.vocabulary import Vocabulary

YI = Decimal(10) ** 8
WAN = Decimal(10) ** 4


class CheckName(Vocabulary):
    """Two figures of a published table that must be equal."""

    STAGES = "stages_equal_government", "分学段之和=财政合计"
    CENTRAL_AND_LOCAL = "central_and_local_equal_government", "中央+地方=财政"


@dataclass(frozen=True)
class Line:
    """One line of a published table."""

    stage: str
    funding: str
    is_total: bool
    amount: Decimal
    share_percent: Decimal | None
    persons: int | None


@dataclass(frozen=True)
class Check:
    """A comparison of two figures that must be equal to the fen."""

    name: CheckName
    left: Decimal
    right: Decimal

    @property
    def equal(self) -> bool:
        """Return whether the figures are equal to the fen."""
        return self.left == self.right


def total(lines: Iterable[Line], funding: str) -> Line | None:
    """Return the published total of one source of money."""
    return next((line for line in lines if line.is_total and line.funding == funding), None)


def government_stages(lines: Iterable[Line]) -> list[Line]:
    """Return government money by stage."""
    return [line for line in lines if not line.is_total and line.funding == "government"]


def checks(lines: list[Line]) -> list[Check]:
    """Return the checks for which a table has both figures."""
    government = total(lines, "government")
    if government is None:
        return []
    found: list[Check] = []
    stages = government_stages(lines)
    if stages:
        left = sum((line.amount for line in stages), Decimal(0))
        found.append(Check(CheckName.STAGES, left, government.amount))
    central, local = total(lines, "central"), total(lines, "local")
    if central is not None and local is not None:
        found.append(Check(CheckName.CENTRAL_AND_LOCAL, central.amount + local.amount, government.amount))
    return found


def yuan(amount: Decimal) -> str:
    """Format exactly, with two decimals and no separators: `121060000000.00`."""
    return f"{amount:.2f}"


def display(amount: Decimal) -> str:
    """Format for people: 亿元 from one million yuan, 万元 from ten thousand; at most two decimals."""
    size = abs(amount)
    if size >= YI / 100:
        return f"{_short(amount / YI)} 亿元"
    if size >= WAN:
        return f"{_short(amount / WAN)} 万元"
    return f"{amount:,.2f} 元"


def _short(value: Decimal) -> str:
    text = f"{value.quantize(Decimal('0.01'), ROUND_HALF_UP):,f}"
    return text.rstrip("0").rstrip(".")
