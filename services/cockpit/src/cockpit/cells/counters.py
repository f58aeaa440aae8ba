"""Counters of persons, exact and additive: how often each of 8,192 persons occurs in a cell.

Distinct persons cannot be added: a person of two batches counts once, and remains when one of them is
withdrawn. Occurrences can. A counter keeps them bit-sliced (P. O'Neil, D. Quass: Improved Query Performance
with Variant Indexes, 1997, §4): bit n of slice k is bit k of the count of person n. Two counters are added
like a processor adds, 8,192 persons at a time. Positive and negative facts are counted apart, so that no
order of batches needs a negative count.
"""

import zlib
from functools import reduce
from operator import or_
from typing import NamedTuple

PERSONS = 8_192
"""Persons of one counter."""
_BYTES = PERSONS // 8

Slices = tuple[int, ...]
"""Bit n of slice k is bit k of the count of person n."""


class Counter(NamedTuple):
    """The counts of the persons of one block, for facts and for facts that reverse others.

    A value: many cells of a load share one.
    """

    plus: Slices = ()
    minus: Slices = ()

    def with_(self, other: "Counter") -> "Counter":
        """Return the counts of both."""
        plus, minus = other
        if not minus:
            return Counter(_sum(self.plus, plus), self.minus)
        return Counter(_sum(self.plus, plus), _sum(self.minus, minus))

    def persons(self) -> int:
        """Return the number of persons with more facts than reversals."""
        return self.present().bit_count()

    def common(self, other: "Counter") -> int:
        """Return the number of persons who are in both."""
        return (self.present() & other.present()).bit_count()

    def present(self) -> int:
        """Return the persons with more facts than reversals, as bits."""
        if not self.minus:
            return reduce(or_, self.plus, 0)
        # Compared bit by bit, the highest slice first.
        greater, equal = 0, (1 << PERSONS) - 1
        for k in reversed(range(max(len(self.plus), len(self.minus)))):
            plus = self.plus[k] if k < len(self.plus) else 0
            minus = self.minus[k] if k < len(self.minus) else 0
            greater |= equal & plus & ~minus
            equal &= ~(plus ^ minus)
        return greater

    def pack(self) -> bytes:
        """Return the counter as bytes, compressed: most counters hold a few neighbours."""
        slices = [*self.plus, *self.minus]
        raw = b"".join(one.to_bytes(_BYTES, "little") for one in slices)
        return bytes([len(self.plus), len(self.minus)]) + zlib.compress(raw, 1)

    @classmethod
    def unpack(cls, packed: bytes) -> "Counter":
        """Return the counter of `pack`."""
        raw = zlib.decompress(packed[2:])
        slices = tuple(int.from_bytes(raw[at : at + _BYTES], "little") for at in range(0, len(raw), _BYTES))
        return cls(slices[: packed[0]], slices[packed[0] :])


NOBODY = Counter()


def counters_of(numbers: list[int], nets: list[int]) -> dict[int, Counter]:
    """Return the counters, by block, of persons who each occur once: number and net count of facts."""
    blocks: dict[tuple[int, int], list[int]] = {}
    for number, net in zip(numbers, nets, strict=True):
        if net:
            blocks.setdefault((number // PERSONS, net), []).append(number % PERSONS)
    found: dict[int, Counter] = {}
    for (block, net), places in blocks.items():
        bits = _bits(places)
        weight = abs(net)
        slices = tuple(bits if weight >> k & 1 else 0 for k in range(weight.bit_length()))
        counter = Counter(slices) if net > 0 else Counter((), slices)
        found[block] = found.get(block, NOBODY).with_(counter)
    return found


def _bits(places: list[int]) -> int:
    bits = bytearray(_BYTES)
    for place in places:
        bits[place >> 3] |= 1 << (place & 7)
    return int.from_bytes(bits, "little")


def _sum(left: Slices, right: Slices) -> Slices:
    if not right:
        return left
    if not left:
        return right
    if len(left) == 1 == len(right):
        # Most counters have one slice.
        one, other = left[0], right[0]
        carry = one & other
        return (one ^ other, carry) if carry else (one | other,)
    result: list[int] = []
    carry = 0
    for k in range(max(len(left), len(right))):
        a = left[k] if k < len(left) else 0
        b = right[k] if k < len(right) else 0
        either = a ^ b
        result.append(either ^ carry)
        carry = (a & b) | (carry & either)
    if carry:
        result.append(carry)
    return tuple(result)
