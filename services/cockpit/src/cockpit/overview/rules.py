"""Which published figures an overview shows, and the display of money. Pure functions."""

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal

from cockpit.published.rules import TOTAL, Balance, BalanceName, Line, balances
from contracts.vocabulary import Vocabulary

YI = Decimal(10) ** 8
WAN = Decimal(10) ** 4


class CheckName(Vocabulary):
    """Two figures of a published table that must be equal."""

    STAGES = "stages_equal_government", "分学段之和=财政合计"
    CENTRAL_AND_LOCAL = "central_and_local_equal_government", "中央+地方=财政"


_CHECKED = {
    BalanceName.STAGES: CheckName.STAGES,
    BalanceName.CENTRAL_AND_LOCAL: CheckName.CENTRAL_AND_LOCAL,
}


def total(lines: Iterable[Line], funding: str) -> Line | None:
    """Return the published total of one source of money."""
    return next((line for line in lines if line.stage == TOTAL and line.funding == funding), None)


def government_stages(lines: Iterable[Line]) -> list[Line]:
    """Return government money by stage."""
    return [line for line in lines if line.stage != TOTAL and line.funding == "government"]


def checks(lines: Sequence[Line]) -> list[tuple[CheckName, Balance]]:
    """Return the comparisons with all government money for which a table has both sides."""
    government = total(lines, "government")
    found = {
        _CHECKED[one.name]: one for one in balances(lines) if one.line is government and one.name in _CHECKED
    }
    return [(name, found[name]) for name in CheckName if name in found]


def yuan(amount: Decimal) -> str:
    """Format exactly, with two decimals and no separators: `121060000000.00`."""
    return f"{amount:.2f}"


def display(amount: Decimal) -> str:
    """Format for people: 亿元 from a hundred million yuan, 万元 from ten thousand; at most two decimals."""
    size = abs(amount)
    if size >= YI:
        return f"{_short(amount / YI)} 亿元"
    if size >= WAN:
        return f"{_short(amount / WAN)} 万元"
    return f"{amount:,.2f} 元"


def _short(value: Decimal) -> str:
    text = f"{value.quantize(Decimal('0.01'), ROUND_HALF_UP):,f}"
    return text.rstrip("0").rstrip(".")
