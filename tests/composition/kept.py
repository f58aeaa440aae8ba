"""What must hold after things have failed, in the databases of the composition."""

import subprocess
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from bench.chaos.ledger import Ledger
from tests.composition.machine import ROOT, output

NODES: Final = ("postgres", "postgres-2", "postgres-3")
_SERVICES: Final = ("identity", "office", "cockpit")


def primary(environment: dict[str, str]) -> str:
    """Return the node of PostgreSQL that can be written to."""
    for node in NODES:
        asked = subprocess.run(
            [*_psql(node, "postgres"), "SELECT pg_is_in_recovery()"],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if asked.stdout.strip() == "f":
            return node
    raise RuntimeError("no node of PostgreSQL is the primary")


def _psql(node: str, database: str) -> tuple[str, ...]:
    return ("docker", "compose", "exec", "-T", node, "psql", "-U", "postgres", "-d", database, "-tAc")


class Kept:
    """Compares the databases with the ledger, and with one another."""

    def __init__(self, ledger: Ledger, environment: dict[str, str]) -> None:
        self._ledger = ledger
        self._environment = environment
        self._primary = primary(environment)

    def unfinished(self) -> list[str]:
        """Return what events still have to do."""
        found = [
            f"{service}: {count} events in the outbox"
            for service in _SERVICES
            if (count := self._number(service, "SELECT count(*) FROM outbox"))
        ]
        queues = [self._handled(service, f"{service}.revocations") for service in _SERVICES]
        found += ["revocations are not handled everywhere"] * (len({frozenset(one) for one in queues}) > 1)
        return found + list(self._replicas())

    def wrong(self) -> dict[str, tuple[int, list[str]]]:
        """Return for each invariant how many were compared, and what is wrong."""
        drafts, published = self._ledger.of("draft", "notice"), self._ledger.of("publication", "notice")
        stored = self._rows("office", "SELECT id FROM notices")
        out = self._rows("office", "SELECT id FROM notices WHERE published_at IS NOT NULL")
        twice = self._rows(
            "office",
            "SELECT title FROM notices WHERE title LIKE '演练 %' GROUP BY title HAVING count(*) > 1",
        )
        numbers = self._rows(
            "office",
            "SELECT document_number FROM notices WHERE document_number IS NOT NULL"
            " GROUP BY document_number HAVING count(*) > 1",
        )
        acts = self._rows(
            "identity",
            "SELECT action FROM audit_log WHERE action IN ('account.suspended', 'account.restored')"
            " ORDER BY id",
        )
        suspensions = self._ledger.of("suspend", "sub")
        revoked = self._handled("identity", "identity.revocations")
        dead = [
            line
            for service in _SERVICES
            for line in self._rows(service, "SELECT queue || ': ' || error FROM dead_letters")
        ]
        return {
            "drafts that were answered are stored": (
                len(drafts),
                [f"{one} is lost" for one in drafts if one not in set(stored)],
            ),
            "publications that were answered are stored": (
                len(published),
                [f"{one} is lost" for one in published if one not in set(out)],
            ),
            "what was asked for again is stored once": (len(stored), [*twice, *numbers]),
            "suspensions that were answered took effect, none twice": (
                len(suspensions),
                ["twice in a row"] * any(one == two for one, two in pairwise(acts))
                + ["some are lost"] * (acts.count("account.suspended") < len(suspensions)),
            ),
            "every revocation was handled by all three services": (
                len(revoked),
                ["there are fewer than suspensions"] * (len(revoked) < acts.count("account.suspended"))
                + self.unfinished(),
            ),
            "no event is a dead letter": (len(_SERVICES), dead),
        }

    def _replicas(self) -> Iterator[str]:
        for query, own, services in (
            ("SELECT id, version FROM units", "SELECT id, version FROM units", ("office", "cockpit")),
            ("SELECT sub, version FROM people", "SELECT id, version FROM accounts", ("office",)),
        ):
            expected = set(self._rows("identity", own))
            for service in services:
                if differing := len(set(self._rows(service, query)) - expected):
                    yield f"{service}: {differing} rows are not those of identity"

    def _handled(self, service: str, queue: str) -> list[str]:
        return self._rows(service, f"SELECT event_id FROM inbox WHERE queue = '{queue}'")

    def _rows(self, database: str, query: str) -> list[str]:
        command = (*_psql(self._primary, database), query)
        return output(*command, environment=self._environment).split("\n")[:-1]

    def _number(self, database: str, query: str) -> int:
        (number,) = self._rows(database, query)
        return int(number)
