"""What the services have acknowledged, in a file that is only appended to."""

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass
class Ledger:
    """Acknowledged operations, by kind."""

    path: Path
    entries: dict[str, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    again: int = 0
    """Requests that had to be sent again."""
    refused: Counter[str] = field(default_factory=Counter)
    """Why: no connection, or an answer."""
    surprises: Counter[str] = field(default_factory=Counter)
    """Answers that nobody expects, faults or not."""

    def acknowledged(self, kind: str, **what: Any) -> None:
        """Record an operation that was answered as done."""
        self.entries[kind].append(what)
        with self.path.open("a") as file:
            file.write(json.dumps({"kind": kind, **what}, default=str) + "\n")

    def of(self, kind: str, name: str) -> list[Any]:
        """Return one value of each operation of a kind."""
        return [entry[name] for entry in self.entries[kind]]

    def counts(self) -> dict[str, int]:
        """Return how many operations were acknowledged, by kind."""
        return {kind: len(entries) for kind, entries in self.entries.items()}
