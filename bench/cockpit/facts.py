"""Write generated facts of all feeds, the same for the same seed (`onebox.facts`).

One file for each feed, and `planted.jsonl`, which lists the rows that are wrong on purpose, and how.
"""

import argparse
import csv
import json
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from onebox.facts.awards import FIRST_YEAR, PLANTED, YEARS, Award, awards, counties, divisions
from onebox.facts.feeds import ROWS, facts

__all__ = ["FIRST_YEAR", "PLANTED", "YEARS", "Award", "awards", "counties", "divisions", "main"]


def main(argv: Sequence[str] | None = None) -> None:
    """Write the files."""
    parser = argparse.ArgumentParser(prog="python -m bench.cockpit.facts", description=__doc__)
    parser.add_argument("count", type=int, help="how many awards; the other feeds follow from them")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--schools", type=int, default=0, help="schools of a county; 0: its office (0)")
    parser.add_argument("--within", default="", help="only counties whose code begins like this, such as 37")
    parser.add_argument("--to", type=Path, default=Path(".state/facts"), help="folder (.state/facts)")
    given = parser.parse_args(argv)
    given.to.mkdir(parents=True, exist_ok=True)
    written: Counter[str] = Counter()
    wrong = 0
    with ExitStack() as opened:
        writers = {}
        for feed, row in ROWS.items():
            path = given.to / f"{feed.value}.csv"
            file = opened.enter_context(path.open("w", encoding="utf-8", newline=""))
            writers[feed] = csv.writer(file)
            writers[feed].writerow(row._fields)
        ledger = opened.enter_context((given.to / "planted.jsonl").open("w", encoding="utf-8"))
        for made in facts(given.count, given.seed, given.schools, given.within):
            writers[made.feed].writerow(made.row)
            written[made.feed.value] += 1
            if made.planted is not None:
                wrong += 1
                line = {"feed": made.feed.value, "line": written[made.feed.value] + 1, "kind": made.planted}
                record = getattr(made.row, "record_id", None)
                ledger.write(json.dumps(line if record is None else {**line, "record_id": record}) + "\n")
    for name, count in written.items():
        sys.stdout.write(f"{count:>12,} rows in {given.to}/{name}.csv\n")
    sys.stdout.write(f"{wrong:>12,} of them planted: {given.to}/planted.jsonl\n")


if __name__ == "__main__":
    main()
