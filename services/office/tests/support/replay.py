"""A naive replay of a tree and one notice, step by step: what coverage is compared with."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from contracts.vocabulary import Reach
from office.addressing.rules import Address

FIGURES = ("total", "delivered", "signed", "answered", "returned", "overdue", "read")
Counts = tuple[int, ...]
"""`FIGURES`, people, and people who have read."""
PEOPLE = 2
"""Of each unit."""
PUBLISHER = "p"


@dataclass
class Expected:
    """A coverage, by code."""

    counts: Counts
    blocking: dict[str, int]
    children: dict[str, Counts]
    missing: set[tuple[str, str | None]]
    lacking: dict[str, list[str]]
    """The codes of each list."""


@dataclass
class Replay:
    """A tree and one notice of the unit `p`, step by step; nothing is looked up in the past.

    Paths are tuples of codes.
    """

    paths: dict[str, tuple[str, ...]]
    levels: dict[str, str]
    deadline: datetime
    """That of the notice."""
    closed: set[str] = field(default_factory=set)
    sent: list[tuple[str, Address, set[str]]] = field(default_factory=list)
    """Each dispatch: its sender, its address, and the codes of the units that it names."""
    deadlines: list[datetime] = field(default_factory=list)
    """Those of the dispatches."""
    signed: set[str] = field(default_factory=set)
    answered: set[str] = field(default_factory=set)
    returned: set[str] = field(default_factory=set)
    read: dict[str, set[int]] = field(default_factory=dict)
    """Which people of each unit have read the notice."""
    due: dict[str, datetime] = field(default_factory=dict)
    """The deadline of each unit that has the notice."""
    owed: set[str] = field(default_factory=set)
    reached: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def below(self, code: str) -> list[str]:
        return [other for other, path in self.paths.items() if code in path[:-1]]

    def settle(self) -> None:
        """Have the notice reach whoever stands where a dispatch addresses it."""
        for code, path in self.paths.items():
            if code not in self.reached:
                for sent, deadline in zip(self.sent, self.deadlines, strict=True):
                    if self.addresses(*sent, code):
                        self.reached[code], self.due[code] = path, deadline
                        break

    def addresses(self, sender: str, address: Address, picked: set[str], code: str) -> bool:
        path = self.paths[code]
        if address.reach is Reach.PICKED:
            return code in picked
        if address.levels and self.levels[code] not in address.levels:
            return False
        return sender in (path[-2:-1] if address.reach is Reach.CHILDREN else path[:-1])

    def forward(self, code: str, address: Address, picked: set[str], deadline: datetime) -> None:
        self.sent.append((code, address, picked))
        self.deadlines.append(deadline)
        for other in self.below(code):
            line = self.paths[other][self.paths[other].index(code) + 1 :] if address.onward else (other,)
            if other not in self.closed and any(
                self.addresses(code, address, picked, passing) for passing in line
            ):
                self.owed.add(other)
        self.settle()

    def move(self, code: str, parent: str) -> None:
        depth = len(self.paths[code]) - 1
        for other in [code, *self.below(code)]:
            self.paths[other] = (*self.paths[parent], *self.paths[other][depth:])
        self.settle()

    def reclassify(self, code: str, level: str) -> None:
        self.levels[code] = level
        self.settle()

    def open(self, code: str, parent: str) -> None:
        self.paths[code] = (*self.paths[parent], code)
        self.settle()

    def counted(self) -> dict[str, tuple[str, ...]]:
        """Where each unit that counts does so."""
        found: dict[str, tuple[str, ...]] = {}
        for code in self.owed - {PUBLISHER}:
            if code in self.reached:
                if code not in self.closed or code in self.signed:
                    found[code] = self.reached[code]
            elif code not in self.closed and PUBLISHER in self.paths[code]:
                found[code] = self.paths[code]
        return found

    def blocker(self, code: str) -> str | None:
        above = reversed(self.paths[code][:-1])
        return None if code in self.reached else next(other for other in above if other in self.reached)

    def is_returned(self, code: str) -> bool:
        """Whether its return was confirmed, so that nobody waits for it any more."""
        return code in self.returned and code not in self.signed

    def is_overdue(self, code: str, now: datetime) -> bool:
        return code not in self.signed and self.due.get(code, self.deadline) < now

    def tally(self, codes: Sequence[str], now: datetime) -> Counts:
        owing = [code for code in codes if not self.is_returned(code)]
        return (
            len(owing),
            sum(code in self.reached for code in owing),
            sum(code in self.signed for code in owing),
            sum(code in self.answered for code in owing),
            len(codes) - len(owing),
            sum(self.is_overdue(code, now) for code in owing),
            sum(bool(self.read.get(code)) for code in owing),
            PEOPLE * len(owing),
            sum(len(self.read.get(code, ())) for code in owing),
        )

    def lacking(self, codes: dict[str, tuple[str, ...]], now: datetime) -> dict[str, list[str]]:
        lacks: dict[str, Callable[[str], bool]] = {
            "not_signed": lambda code: code not in self.signed,
            "not_delivered": lambda code: code not in self.reached,
            "not_read": lambda code: code in self.reached and not self.read.get(code),
            "not_answered": lambda code: code not in self.answered,
            "overdue": lambda code: self.is_overdue(code, now),
        }
        order = sorted(codes, key=lambda code: (codes[code][:-1], codes[code]))
        return {
            lack: [code for code in order if lacks_it(code) and not self.is_returned(code)]
            for lack, lacks_it in lacks.items()
        }

    def expected(self, scope: str, now: datetime, members: Collection[str]) -> Expected:
        within = {code: path for code, path in self.counted().items() if scope in path and code in members}
        children: dict[str, list[str]] = {}
        for code, path in within.items():
            for child in path[path.index(scope) + 1 :][:1]:
                children.setdefault(child, []).append(code)
        lacking = self.lacking(within, now)
        missing = {(code, self.blocker(code)) for code in lacking["not_signed"]}
        blocking: dict[str, int] = {}
        for _, blocker in missing:
            if blocker is not None:
                blocking[blocker] = blocking.get(blocker, 0) + 1
        return Expected(
            counts=self.tally(list(within), now),
            blocking=blocking,
            children={child: self.tally(codes, now) for child, codes in children.items()},
            missing=missing,
            lacking=lacking,
        )
