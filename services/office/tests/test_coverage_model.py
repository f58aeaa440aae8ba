"""Coverage of any history of a small tree is what a naive replay of the history finds."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import JsonValue
from sqlalchemy import select

from contracts.documents import GroupScope
from contracts.identity import UnitChangedV1
from contracts.vocabulary import Reach
from office.addressing.rules import ALL_CHILDREN, Address
from office.addressing.service import Addressing
from office.coverage.schemas import ChildOut, CoverageOut
from office.directory.models import Unit
from office.directory.service import Units
from office.dispatches.service import Dispatches
from office.groups.models import Group
from office.groups.repository import GroupRepository
from office.groups.rules import Pick
from office.groups.service import Groups
from office.receipts.inbox_repository import InboxFilter, InboxRepository
from office.receipts.rules import InboxSort
from servicekit.ids import new_id
from servicekit.lanes import Lane
from services.office.tests.support.replay import FIGURES, PEOPLE, PUBLISHER, Counts, Expected, Replay
from services.office.tests.support.running_office import RunningOffice
from services.office.tests.support.world import World

Kind = Literal["open", "move", "close", "merge", "reclassify", "forward", "sign", "read", "answer", "return"]
LACKS = ("not_signed", "not_delivered", "not_read", "not_answered", "overdue")
N = "/api/v1/notices"
ROOT = "r"


def level_of(number: int) -> str:
    return "school" if number % 3 == 0 else "county"


def figures(one: CoverageOut | ChildOut) -> Counts:
    return (*(getattr(one, name) for name in FIGURES), one.people.total, one.people.read)


def seen(answer: CoverageOut, lacking: dict[str, list[str]]) -> Expected:
    missing = answer.missing.items
    assert answer.blocking.count == len(answer.blocking.items)
    assert len(missing) == len({item.unit.code for item in missing})
    return Expected(
        counts=figures(answer),
        blocking={item.unit.code: item.cut_off for item in answer.blocking.items},
        children={child.unit.code: figures(child) for child in answer.children},
        missing={
            (item.unit.code, None if item.blocked_by is None else item.blocked_by.code) for item in missing
        },
        lacking=lacking,
    )


async def inbox(lane: Lane, unit: UUID, now: datetime) -> Sequence[Any]:
    """The lines of a unit's inbox: an equal number by the list and by its total."""
    rows, reader, wanted = InboxRepository(lane), new_id(), InboxFilter()
    lines = await rows.lines(unit, reader, wanted, InboxSort.DELIVERED, now=now, after=None, limit=10)
    assert await rows.count(unit, reader, wanted, now=now) == len(lines)
    return lines


class History:
    """Steps of a tree and a notice, taken by a replay and, with dates, by the directory of Office."""

    def __init__(self, office: RunningOffice, parents: Sequence[int], *, late: bool) -> None:
        self.office = office
        self.late = late
        """Whether Office learns of all changes of the tree after the last step."""
        self.world = World()
        self.world.add(ROOT, None)
        self.world.add(PUBLISHER, ROOT)
        for number, parent in enumerate(parents):
            codes = list(self.world.units)
            self.world.add(f"u{number}", codes[parent % len(codes)], level=level_of(number))
        paths = {code: tuple(unit["path"].split(".")) for code, unit in self.world.units.items()}
        levels = {code: unit["level"] for code, unit in self.world.units.items()}
        self.replay = Replay(paths, levels, office.clock.now())
        self.people: dict[str, list[UUID]] = {}
        self.events: list[UnitChangedV1] = []
        self.notice = ""

    async def publish(self, choice: int) -> None:
        await self.office.delete_notices()
        await self.office.replace_units(self.world)
        address, picked = self.address(PUBLISHER, choice)
        recipients: dict[str, JsonValue] = {
            "reach": address.reach.value,
            "levels": list(address.levels),
            "onward": address.onward,
            "units": [str(unit) for unit in address.picked],
        }
        await self._join(self.world.units)
        self.notice = await self.office.published(PUBLISHER, recipients=recipients)
        self.replay.deadline = await self.office.ask(self.notice)
        self.replay.reached[PUBLISHER] = self.replay.paths[PUBLISHER]
        self.replay.forward(PUBLISHER, address, picked, self.replay.deadline)

    async def _join(self, codes: Iterable[str]) -> None:
        """Have people join units."""
        joining = {code: [new_id() for _ in range(PEOPLE)] for code in codes}
        self.people |= joining
        if joining:
            await self.office.insert_people([(code, sub) for code, subs in joining.items() for sub in subs])

    def address(self, sender: str, choice: int) -> tuple[Address, set[str]]:
        """An address that has recipients if the sender has units below, half of the time that of all."""
        below = self.replay.below(sender)
        picked = {below[choice % len(below)], below[choice // 2 % len(below)]} if below else set()
        ids = tuple(self.world.units[code]["id"] for code in picked)
        addresses = {
            5: Address(Reach.SUBTREE),
            6: Address(Reach.PICKED, onward=bool(choice // 10 % 2), picked=ids),
            7: Address(Reach.CHILDREN, levels=("school",), onward=bool(choice // 10 % 2)),
            8: Address(Reach.SUBTREE, levels=("school",)),
            9: Address(Reach.CHILDREN),
        }
        address = addresses.get(choice % 10, ALL_CHILDREN)
        if not any(self.replay.addresses(sender, address, picked, code) for code in below):
            address = ALL_CHILDREN
        return address, picked if address.picked else set()

    async def step(self, kind: Kind, one: int, other: int) -> None:
        """Take a step; one that cannot be taken is left out."""
        self.office.clock.advance(timedelta(days=1))
        codes = list(self.world.units)
        code, second = codes[one % len(codes)], codes[other % len(codes)]
        known = set(codes)
        if kind == "forward":
            await self._forward(code, other)
        elif kind in {"sign", "read", "answer", "return"}:
            able = self.replay.reached.keys() - self.replay.closed - {PUBLISHER}
            if code in able and (kind == "read" or code not in self.replay.returned):
                await getattr(self, f"_{kind}")(code, other)
        else:
            getattr(self, f"_{kind}")(code, second)
        if not self.late:
            await self.office.deliver(*self.events)
            self.events.clear()
        await self._join(self.world.units.keys() - known)

    async def _forward(self, code: str, choice: int) -> None:
        address, picked = self.address(code, choice)
        earlier = [sent for sender, sent, _ in self.replay.sent if sender == code]
        if code not in self.replay.reached or code in self.replay.returned:
            return
        if (address.reach, address.levels) not in {(sent.reach, sent.levels) for sent in earlier}:
            deadline = self.office.clock.now() + timedelta(days=choice % 4 * 8)
            self.replay.forward(code, address, picked, deadline)
            await self.office.insert_dispatch(self.notice, code, len(earlier) + 1, address, deadline=deadline)

    async def _sign(self, code: str, _: int) -> None:
        if code in self.replay.signed:
            return
        self.replay.signed.add(code)
        if self.late:
            await self.office.insert_receipts(self.notice, signed=[code], recount=False)
        else:
            await self.office.signed(self.notice, code)

    async def _read(self, code: str, choice: int) -> None:
        person = choice % PEOPLE
        self.replay.read.setdefault(code, set()).add(person)
        sub = self.people[code][person]
        if self.late:
            await self.office.insert_receipts(self.notice, read=[(code, sub)], recount=False)
        else:
            response = await self.office.unit(code, sub=str(sub)).post(f"{N}/{self.notice}/read")
            assert response.status_code == 200, response.text

    async def _answer(self, code: str, _: int) -> None:
        if code in self.replay.answered:
            return
        self.replay.answered.add(code)
        if self.late:
            await self.office.insert_receipts(self.notice, answered=[code], recount=False)
        else:
            response = await self.office.unit(code).post(
                f"{N}/{self.notice}/answer/submit", json={"values": {"n": 1}}, headers={"If-Match": "*"}
            )
            assert response.status_code == 200, response.text

    async def _return(self, code: str, choice: int) -> None:
        confirmed = choice % 3 > 0
        if confirmed:
            self.replay.returned.add(code)
        await self.office.insert_return(self.notice, code, confirmed=confirmed)

    async def group(self, codes: Collection[str]) -> str:
        """A new group of the publisher with these units; its id."""
        group = Group(
            id=new_id(), scope=GroupScope.UNIT, unit_id=self.world.units[PUBLISHER]["id"], version=0
        )
        group.write(str(group.id), len(codes), by=new_id(), now=self.office.clock.now())
        members = [(Pick(self.world.units[code]["id"]), code) for code in codes]
        async with self.office.database.transaction() as session:
            await GroupRepository(session).add(group)
            await GroupRepository(session).replace_members(group.id, members)
        return str(group.id)

    async def seen(self, part: dict[str, str]) -> Expected:
        """The coverage of a part, with all lists."""
        path = f"{N}/{self.notice}/coverage"
        response = await self.office.unit(PUBLISHER).get(path, params=part | {"limit": "1000"})
        assert response.status_code == 200, response.text
        answer = CoverageOut.model_validate_json(response.content)
        return seen(answer, {lack: await self.lacking(part, lack) for lack in LACKS})

    async def check_changes(self, scope: str) -> None:
        """The changes explain each place where a unit counts and does not stand."""
        path = f"{N}/{self.notice}/coverage/changes"
        params = {"under": self.world.id(scope), "limit": "1000"}
        response = await self.office.unit(PUBLISHER).get(path, params=params)
        assert response.status_code == 200, response.text
        changes = {item["unit"]["code"]: item for item in response.json()["items"]}
        counted, paths = self.replay.counted(), self.replay.paths
        elsewhere = {
            code
            for code, place in counted.items()
            if place != paths[code] and (scope in place or scope in paths[code])
        }
        assert elsewhere <= changes.keys()
        for code, item in changes.items():
            place = counted.get(code)
            assert item["steps"], code
            assert item["counted_here"] == (place is not None and scope in place)
            if place is not None:
                reached = "returned" if self.replay.is_returned(code) else "reached"
                assert item["counting"] == (reached if code in self.replay.reached else "present")
                assert item["counted_below"]["code"] == place[-2]
            else:
                assert item["counted_below"] is None
                assert (item["counting"] == "closed") == (code in self.replay.closed)

    async def lacking(self, part: dict[str, str], lack: str) -> list[str]:
        """The codes of a list, read in pages."""
        found: list[str] = []
        params: dict[str, str | int] = {**part, "lack": lack, "limit": 3}
        while True:
            response = await self.office.unit(PUBLISHER).get(
                f"{N}/{self.notice}/coverage/units", params=params
            )
            assert response.status_code == 200, response.text
            page = response.json()
            found += [item["unit"]["code"] for item in page["items"]]
            if page["next"] is None:
                assert page["total"] == {"count": len(found), "exact": True}
                return found
            params["cursor"] = page["next"]

    def has_below(self, code: str) -> bool:
        units = self.world.units
        return any(
            unit["parent_id"] == units[code]["id"] and unit["status"] == "active" for unit in units.values()
        )

    def _open(self, parent: str, _: str) -> None:
        code = f"u{len(self.world.units)}"
        level = level_of(len(self.world.units))
        self.world.add(code, parent, since=self.office.clock.now(), level=level)
        self.replay.levels[code] = level
        self.replay.open(code, parent)
        self._publish([code])

    def _move(self, code: str, parent: str) -> None:
        if code in {ROOT, PUBLISHER} or code in self.replay.paths[parent]:
            return
        moved = self.world.move(code, parent, self.office.clock.now())
        self.replay.move(code, parent)
        self._publish(moved)

    def _close(self, code: str, _: str) -> None:
        if code in {ROOT, PUBLISHER} or code in self.replay.closed:
            return
        self.world.close(code, self.office.clock.now())
        self.replay.closed.add(code)
        self._publish([code])

    def _merge(self, code: str, other: str) -> None:
        """Have `other` take over what is below `code`, which closes."""
        if code in {ROOT, PUBLISHER} or code in self.replay.closed or code in self.replay.paths[other]:
            return
        children = [one for one, path in self.replay.paths.items() if path[-2:-1] == (code,)]
        for child in children:
            self._move(child, other)
        self._close(code, other)

    def _reclassify(self, code: str, _: str) -> None:
        if code in {ROOT, PUBLISHER}:
            return
        level = "county" if self.replay.levels[code] == "school" else "school"
        self.world.reclassify(code, level, self.office.clock.now())
        self.replay.reclassify(code, level)
        self._publish([code])

    def _publish(self, codes: Sequence[str]) -> None:
        self.events += [self.world.event(code) for code in codes]


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            [
                "open",
                "move",
                "move",
                "close",
                "merge",
                "reclassify",
                "reclassify",
                "forward",
                "forward",
                "forward",
                "sign",
                "sign",
                "read",
                "answer",
                "return",
            ]
        ),
        st.integers(0, 1000),
        st.integers(0, 1000),
    ),
    max_size=25,
)


@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    parents=st.lists(st.integers(0, 1000), min_size=2, max_size=8),
    steps=STEPS,
    choice=st.integers(0, 1000),
    late=st.booleans(),
    data=st.data(),
)
async def test_coverage_of_any_history_is_what_a_replay_finds(
    office: RunningOffice,
    parents: list[int],
    steps: list[tuple[Kind, int, int]],
    choice: int,
    late: bool,
    data: st.DataObject,
) -> None:
    # The publisher needs a unit below it.
    history = History(office, [1, *parents], late=late)
    await history.publish(choice)
    for step in steps:
        await history.step(*step)
    if late:
        await office.deliver(*data.draw(st.permutations(history.events)))
        await office.recount(history.notice)
    below = [code for code, path in history.replay.paths.items() if PUBLISHER in path]
    for scope in dict.fromkeys((PUBLISHER, data.draw(st.sampled_from(below)))):
        everybody, part = history.replay.paths.keys(), {"under": history.world.id(scope)}
        expected = history.replay.expected(scope, office.clock.now(), everybody)
        assert await history.seen(part) == expected
        await history.check_changes(scope)
    members = data.draw(st.sets(st.sampled_from(sorted(history.replay.paths)), min_size=1))
    expected = history.replay.expected(scope, office.clock.now(), members)
    assert await history.seen(part | {"group": await history.group(members)}) == expected
    async with office.database.transaction() as session:
        dispatches = Dispatches(session, Units(session), Addressing(session, Groups(session, office.clock)))
        units = (await session.scalars(select(Unit))).all()
        found = {
            unit.code: tuple(delivery.path.split("."))
            for unit in units
            if (delivery := await dispatches.delivery(UUID(history.notice), unit)) is not None
        }
    async with office.database.lanes.transaction() as lane:
        received = {
            unit.code: [line.deadline for line in await inbox(lane, unit.id, office.clock.now())]
            for unit in units
        }
    del history.replay.reached[PUBLISHER]
    assert found == history.replay.reached
    assert {code: due for code, due in received.items() if due} == {
        code: [history.replay.due[code]] for code in history.replay.reached
    }
