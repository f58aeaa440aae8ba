"""What must hold after the faults, in all databases, in the order in which it is printed."""

import hashlib
import json
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from bench.chaos.ledger import Ledger
from bench.chaos.settling import Databases
from bench.chaos.system import Stack
from onebox.demo.people import Person
from onebox.services import NAMES

_SIGNED: Final = "zhuxue.office.notice.signed.v1"
_PUBLISHED: Final = "zhuxue.office.notice.published.v1"
_FORWARDED: Final = "zhuxue.office.notice.forwarded.v1"
_REMINDED: Final = "zhuxue.office.reminder.requested.v1"
_COMMITTED: Final = "zhuxue.cockpit.batch.committed.v1"
_REVOKED: Final = "zhuxue.identity.access.revoked.v1"
_PASSED_ON: Final = (
    "SELECT f.id::text FROM forwardings f JOIN notices n ON n.id = f.notice_id"
    " WHERE f.unit_id <> n.publisher_id"
)
_OF_EVENTS: Final = "SELECT data FROM events WHERE type = $1"


@dataclass(frozen=True)
class Verdict:
    """Whether an invariant holds, for how many, and what is wrong."""

    name: str
    checked: int
    wrong: list[str]


class Invariants:
    """Compares databases with one another and with the ledger."""

    def __init__(self, stack: Stack, databases: Databases, ledger: Ledger) -> None:
        self._stack = stack
        self._databases = databases
        self._ledger = ledger

    async def while_running(self, city: Person) -> AsyncIterator[Verdict]:
        """Yield the verdicts for which the services are asked."""
        yield await self._coverage_shown(city)

    async def at_rest(self) -> AsyncIterator[Verdict]:
        """Yield the verdicts on what the databases have."""
        for check in (
            self._tokens,
            self._suspensions,
            self._notices,
            self._signatures,
            self._files,
            self._batches,
            self._events_of_changes,
            self._events_handled,
            self._dead_letters,
            self._replicas,
            self._coverage_counted,
            self._jobs,
            self._reminders,
            self._exports,
        ):
            yield await check()

    async def _events(self, kind: str, key: Callable[[Any], Any]) -> Counter[Any]:
        rows = await self._databases.rows("witness", _OF_EVENTS, kind)
        return Counter(key(json.loads(row[0])) for row in rows)

    async def _tokens(self) -> Verdict:
        given = Counter(self._ledger.of("sign-in", "sub")) + Counter(self._ledger.of("refresh", "sub"))
        query = (
            "SELECT target_id, count(*) FROM audit_log WHERE action = 'oauth.token_issued' GROUP BY target_id"
        )
        audited = dict(await self._databases.rows("identity", query))
        wrong = [
            f"{sub}: {n} tokens, {audited.get(sub, 0)} audited"
            for sub, n in given.items()
            if audited.get(sub, 0) < n
        ]
        return Verdict("issued tokens are in the audit log", given.total(), wrong)

    async def _suspensions(self) -> Verdict:
        acts = await self._databases.rows(
            "identity",
            "SELECT target_id, action FROM audit_log"
            " WHERE action IN ('account.suspended', 'account.restored') ORDER BY id",
        )
        done = [action for _, action in acts]
        twice = [f"{one} twice in a row" for one, two in pairwise(done) if one == two]
        told = await self._events(_REVOKED, lambda data: "account" if "suspend" in data["reason"] else "")
        suspended, acknowledged = done.count("account.suspended"), len(self._ledger.entries["suspend"])
        wrong = twice
        if suspended < acknowledged:
            wrong.append(f"{acknowledged} suspensions acknowledged, {suspended} audited")
        if told.total() < suspended:
            wrong.append(f"{suspended} suspensions, {told.total()} events")
        return Verdict("suspensions took effect once and revoked tokens", suspended, wrong)

    async def _notices(self) -> Verdict:
        query = "SELECT id::text FROM notices"
        drafts = {row[0] for row in await self._databases.rows("office", query)}
        published = {
            row[0] for row in await self._databases.rows("office", f"{query} WHERE published_at IS NOT NULL")
        }
        asked = self._ledger.of("draft", "notice")
        wrong = [f"draft {one} is lost" for one in asked if one not in drafts]
        wrong += [
            f"publication of {one} is lost"
            for one in self._ledger.of("publication", "notice")
            if one not in published
        ]
        titles = await self._databases.rows(
            "office", "SELECT title, count(*) FROM notices GROUP BY title HAVING count(*) > 1"
        )
        wrong += [f"drafted {number} times: {title}" for title, number in titles]
        numbers = await self._databases.rows(
            "office",
            "SELECT document_number, count(*) FROM notices WHERE document_number IS NOT NULL"
            " GROUP BY document_number HAVING count(*) > 1",
        )
        wrong += [f"document number {number} is given {times} times" for number, times in numbers]
        return Verdict("acknowledged notices are stored once, under numbers of their own", len(asked), wrong)

    async def _signatures(self) -> Verdict:
        stored = await self._databases.rows(
            "office",
            "SELECT s.notice_id::text, u.code FROM signatures s JOIN units u ON u.id = s.unit_id",
        )
        asked = [(one["notice"], one["unit"]) for one in self._ledger.entries["signature"]]
        forwarded = {
            row[0]
            for row in await self._databases.rows(
                "office", "SELECT notice_id::text FROM forwardings GROUP BY notice_id HAVING count(*) > 1"
            )
        }
        wrong = [f"signature {one} is lost" for one in asked if one not in set(stored)]
        wrong += [
            f"forwarding of {one} is lost"
            for one in self._ledger.of("forwarding", "notice")
            if one not in forwarded
        ]
        return Verdict("acknowledged signatures and forwardings are stored", len(asked), wrong)

    async def _files(self) -> Verdict:
        rows = dict(await self._databases.rows("office", "SELECT id::text, digest FROM files"))
        wrong = []
        for one in self._ledger.entries["file"]:
            digest = rows.get(one["file"], b"").hex()
            if digest != one["digest"]:
                wrong.append(f"file {one['file']} is lost")
                continue
            (path, *_) = [*self._stack.files.folder.rglob(f"*{digest[-32:]}*"), None]
            if path is None or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
                wrong.append(f"the content of file {one['file']} is lost or another")
        return Verdict("acknowledged files have their content", len(self._ledger.entries["file"]), wrong)

    async def _batches(self) -> Verdict:
        rows = await self._databases.rows("cockpit", "SELECT id::text, status, accepted FROM batches")
        stored = {row[0]: row[1:] for row in rows}
        withdrawn = set(self._ledger.of("withdrawal", "batch"))
        wrong = []
        for one in self._ledger.entries["batch"]:
            status, accepted = stored.get(one["batch"], ("lost", 0))
            if one["batch"] in withdrawn and one["accepted"] and status != "reversed":
                wrong.append(f"batch {one['batch']} was withdrawn and is {status}")
            if status not in {"committed", "rejected", "reversed"} or accepted != one["accepted"]:
                wrong.append(f"batch {one['batch']} of {one['accepted']} rows is {status} with {accepted}")
        return Verdict(
            "acknowledged batches are stored as answered", len(self._ledger.entries["batch"]), wrong
        )

    async def _events_of_changes(self) -> Verdict:
        """Each committed change against its event, once."""
        wrong, checked = [], 0
        for kind, service, query, key in (
            (
                _SIGNED,
                "office",
                "SELECT notice_id::text, unit_id::text FROM signatures",
                lambda data: (data["notice_id"], data["unit_id"]),
            ),
            (
                _PUBLISHED,
                "office",
                "SELECT id::text FROM notices WHERE published_at IS NOT NULL",
                lambda data: (data["notice_id"],),
            ),
            (
                _FORWARDED,
                "office",
                _PASSED_ON,
                lambda data: (data["forwarding_id"],),
            ),
            (
                _COMMITTED,
                "cockpit",
                "SELECT id::text FROM batches WHERE committed_at IS NOT NULL",
                lambda data: (data["batch_id"],),
            ),
        ):
            changes = Counter(await self._databases.rows(service, query))
            events = await self._events(kind, key)
            checked += changes.total()
            wrong += [
                f"{kind} {one}: {n} changes, {events[one]} events"
                for one, n in changes.items()
                if events[one] != n
            ]
            wrong += [f"{kind} {one}: no change" for one in events if one not in changes]
        return Verdict("every committed change has its event, once", checked, wrong)

    async def _events_handled(self) -> Verdict:
        wrong = [
            f"{queue} has not handled {len(found)} events: {found[:2]}"
            for queue, found in await self._databases.missing()
        ]
        number = 0
        for service in NAMES:
            number += await self._databases.number(service, "SELECT count(*) FROM inbox")
        return Verdict("every event was handled by every queue that wants it", number, wrong)

    async def _dead_letters(self) -> Verdict:
        wrong = []
        for service in (*NAMES, "witness"):
            rows = await self._databases.rows(service, "SELECT queue, type, error FROM dead_letters")
            wrong += [f"{queue}: {kind}: {error[-200:]}" for queue, kind, error in rows]
        return Verdict("no event is a dead letter", len(NAMES) + 1, wrong)

    async def _replicas(self) -> Verdict:
        """The units and people of Office and Cockpit have the versions of Identity."""
        of_units, wrong, checked = "SELECT id, version FROM units", [], 0
        for what, own, query, services in (
            ("units", of_units, of_units, ("office", "cockpit")),
            (
                "people",
                "SELECT id, version, status FROM accounts",
                "SELECT sub, version, status FROM people",
                ("office",),
            ),
        ):
            expected = set(await self._databases.rows("identity", own))
            for service in services:
                found = set(await self._databases.rows(service, query))
                checked += len(found)
                if found - expected or (what == "units" and expected - found):
                    wrong.append(f"{service} has other {what}: {len(found ^ expected)} differ")
        return Verdict("units and people of the replicas are those of Identity", checked, wrong)

    async def _coverage_counted(self) -> Verdict:
        """The counters, and the same from the signatures they count."""
        counters = dict(
            await self._databases.rows(
                "office",
                "SELECT notice_id, sum(signed) FROM receipt_counts GROUP BY notice_id HAVING sum(signed) > 0",
            )
        )
        counted = dict(
            await self._databases.rows(
                "office", "SELECT notice_id, count(*) FROM signatures WHERE counted GROUP BY notice_id"
            )
        )
        wrong = [
            f"notice {one}: {counters.get(one)} counted, {counted.get(one)} signatures"
            for one in counters.keys() | counted.keys()
            if counters.get(one) != counted.get(one)
        ]
        return Verdict("counters of receipts are those of the receipts", len(counted), wrong)

    async def _coverage_shown(self, city: Person) -> Verdict:
        """What the publisher sees of each notice, and the signatures."""
        signed = dict(
            await self._databases.rows(
                "office", "SELECT notice_id::text, count(*) FROM signatures GROUP BY notice_id"
            )
        )
        wrong, notices = [], self._ledger.of("publication", "notice")
        for notice in notices:
            answer = await city.office("GET", f"/notices/{notice}/coverage")
            shown = answer.json().get("signed")
            if shown != signed.get(notice, 0):
                wrong.append(f"notice {notice} shows {shown} signatures of {signed.get(notice, 0)}")
        return Verdict("coverage equals its recomputation", len(notices), wrong)

    async def _jobs(self) -> Verdict:
        wrong, checked = [], 0
        for service in NAMES:
            rows = await self._databases.rows(
                service,
                "SELECT kind, state, error FROM jobs WHERE kind NOT IN (SELECT name FROM periodic_tasks)",
            )
            checked += len(rows)
            wrong += [
                f"{kind} of {service} is {state}: {error}"
                for kind, state, error in rows
                if state != "succeeded"
            ]
            claimed = await self._databases.number(
                service,
                "SELECT count(*) FROM pgqueuer q WHERE NOT EXISTS"
                " (SELECT FROM periodic_tasks p WHERE p.name = q.entrypoint)",
            )
            wrong += [f"{claimed} jobs of {service} are still in the queue"] * bool(claimed)
        return Verdict("every job has succeeded", checked, wrong)

    async def _reminders(self) -> Verdict:
        """Each unit is reminded once, and asked for one text message."""
        rows = await self._databases.rows(
            "office", "SELECT r.notice_id::text, r.unit_id::text, count(*) FROM reminders r GROUP BY 1, 2"
        )
        wrong = [f"unit {unit} was reminded {n} times of {notice}" for notice, unit, n in rows if n != 1]
        runs = {row[0] for row in await self._databases.rows("office", "SELECT id::text FROM reminder_runs")}
        wrong += [f"run {run} is lost" for run in self._ledger.of("reminder", "run") if run not in runs]
        asked: Counter[tuple[str, str]] = Counter()
        for (data,) in await self._databases.rows("witness", _OF_EVENTS, _REMINDED):
            event = json.loads(data)
            asked.update((event["notice_id"], unit) for unit in event["unit_ids"])
        reminded = Counter({(notice, unit): n for notice, unit, n in rows})
        if asked != reminded:
            wrong.append(f"{reminded.total()} reminders, {asked.total()} asked for in events")
        return Verdict("every unit is reminded once", len(rows), wrong)

    async def _exports(self) -> Verdict:
        rows = dict(
            await self._databases.rows(
                "office",
                "SELECT e.id::text, e.status = 'done' AND e.size = coalesce(sum(length(p.data)), 0)"
                " FROM exports e LEFT JOIN export_parts p ON p.export_id = e.id GROUP BY e.id",
            )
        )
        wrong = [f"export {one} is lost" for one in self._ledger.of("export", "export") if one not in rows]
        wrong += [f"export {one} is not complete" for one, complete in rows.items() if not complete]
        return Verdict("every export is complete", len(rows), wrong)
