"""An address, and which units it matches. Pure functions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol
from uuid import UUID

from contracts.vocabulary import Reach

MAX_PICKED: Final = 2000
"""Units that one address may name; groups count with their units."""

MAX_GROUPS: Final = 20
"""Groups that one address may name."""


class AddressError(ValueError):
    """An address that contradicts itself; the text is for users."""


class Described(Protocol):
    """What the filters of an address ask of a unit, at some time."""

    @property
    def level(self) -> str:
        """Its level (层级)."""

    @property
    def kind(self) -> str:
        """Its kind (类别)."""

    @property
    def stages(self) -> Sequence[str]:
        """Its stages of education (学段)."""


class Addressable(Described, Protocol):
    """What an address needs of a unit."""

    @property
    def id(self) -> UUID:
        """The unit."""

    @property
    def parent_id(self) -> UUID | None:
        """The unit above it."""

    @property
    def path(self) -> str:
        """Its place in the authority tree: codes joined by dots."""


@dataclass(frozen=True)
class Address:
    """Whom a sender addresses. An empty filter matches all; `picked` is empty except for `Reach.PICKED`."""

    reach: Reach
    levels: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    stages: tuple[str, ...] = ()
    onward: bool = False
    picked: tuple[UUID, ...] = ()
    groups: tuple[UUID, ...] = ()
    """Groups of the sender (`office.groups`) whose units are picked, as they are when it sends."""

    @property
    def filtered(self) -> bool:
        """Whether it addresses only some of the units in reach."""
        return bool(self.levels or self.kinds or self.stages)

    def check(self) -> None:
        """Raise `AddressError` if its parts contradict each other."""
        if self.reach is Reach.PICKED:
            if not self.picked and not self.groups:
                raise AddressError("指定单位时，至少填写一个单位或分组")
            if self.filtered:
                raise AddressError("指定单位时，不能再按层级、类别、学段筛选")
        elif self.picked or self.groups:
            raise AddressError("只有主送范围为“指定单位”时才能填写单位和分组")
        if self.reach is Reach.SUBTREE and self.onward:
            raise AddressError("已直接送达全部下级，不需要逐级转发")

    def matches(self, unit: Addressable, sender: Addressable) -> bool:
        """Return whether `sender` addresses `unit`, which stands at its present place."""
        if self.reach is Reach.PICKED:
            return unit.id in self.picked
        if self.reach is Reach.CHILDREN:
            in_reach = unit.parent_id == sender.id
        else:
            in_reach = unit.path.startswith(f"{sender.path}.")
        return in_reach and self.passes(unit)

    def passes(self, unit: Described) -> bool:
        """Return whether the unit passes the filters."""
        return (
            (not self.levels or unit.level in self.levels)
            and (not self.kinds or unit.kind in self.kinds)
            and (not self.stages or not set(self.stages).isdisjoint(unit.stages))
        )


def on_the_way(address: Address, line: Sequence[tuple[UUID, Sequence[Described]]]) -> bool:
    """Return whether a sender addresses any unit of `line`, which leads from directly below it downwards.

    Each unit comes with what it was since the dispatch: it passes a filter if it ever did.
    """
    if address.reach is Reach.PICKED:
        return any(unit in address.picked for unit, _ in line)
    reached = line[:1] if address.reach is Reach.CHILDREN else line
    return any(address.passes(state) for _, states in reached for state in states)


ALL_CHILDREN: Final = Address(Reach.CHILDREN, onward=True)
"""The units directly below, each of which passes it on: the way of an ordinary notice."""


def default_onward(reach: Reach) -> bool:
    """Return whether recipients are expected to pass it on, if the sender does not say."""
    return reach is Reach.CHILDREN
