"""Writes docs/feeds.md: `python -m cockpit.feeds.document PATH`; `make snapshots` calls it."""

import sys
from pathlib import Path

from cockpit.feeds.crosschecks import CHECKS
from cockpit.feeds.declarations import FEEDS, Feed

_HEAD = """\
<!-- Generated from services/cockpit/src/cockpit/feeds/declarations.py by `make snapshots`. -->
# Feeds

What files the cockpit takes in (`POST /api/v1/intake/batches?feed=…`). `GET /api/v1/feeds` answers the same
for programs, `/api/v1/feeds/{feed}/template.xlsx` and `template.csv` are files to fill in.

- Formats, by `Content-Type`: CSV (`text/csv`, UTF-8, GBK or GB18030; without `charset` it is recognised, and
  the batch says which it was), Excel (`.xlsx`), JSON lines (`application/x-ndjson`) and Parquet
  (`application/vnd.apache.parquet`; texts, whole numbers, decimals and dates).
- Several CSV files of one feed arrive as one batch in a ZIP archive (`application/zip`): up to 1,000 files of
  5 GiB together, with the same columns in the same order and in one encoding. The report names the file of
  each row. Refused are encrypted and nested archives, other files, paths that lead elsewhere, links, and what
  unpacks to more than 200 times its size; only the methods Store and Deflate are read, and no ZIP64.
- Ways in: the file as the body (64 MiB), a form (`POST /api/v1/intake/batches/form`, `multipart/form-data`:
  the fields first, then the file), or parts that can be resumed (`/api/v1/intake/uploads`, 5 GiB).
- A heading is the name or the Chinese name of a column, in any order. Optional columns may be missing. A
  value of a list is the code or the Chinese word.
- A row is one line. A row with errors goes to the quarantine with all of its errors; it can be downloaded,
  corrected and sent as another batch (`resubmits`), with the columns of the report. If no row is valid, the
  batch is `rejected` and does not count. Of a batch, the first 10,000 such rows are kept; all are counted, by
  reason too. `POST /api/v1/intake/checks` judges a file and keeps nothing (dry run).
- A record is identified by its unit and the columns of its key. It counts once, in whatever files and from
  whatever sources it comes: a row equal to a record that counts is refused as `already_counted`, one with
  other content as `record_conflict`. `mode=correction` replaces records that count (else
  `nothing_to_correct`), `mode=deletion` removes them, for rows equal to them (else `record_differs`,
  `nothing_to_delete`). Both are batches, which can be withdrawn; a batch whose records another has changed
  can be withdrawn after that one only.
- `resubmits` names the batch whose quarantined rows a file has, corrected; the batch shows what is still
  outstanding.
- Checks between feeds, and with the directory of units, are listed with each feed. Some refuse rows; the
  others accept them with a note, because the missing file may arrive later. A batch counts its notes when it
  begins to count; `GET /api/v1/intake/batches/{id}/inconsistencies` lists what does not agree now, row by
  row, for the unit that sent the batch, and `GET /api/v1/intake/inconsistencies` counts it: for a county by
  school, above by county, without counts that tell of few persons. Both shrink when the missing record
  counts. One request compares up to 3 million facts of a feed and year with another feed.
- ID numbers, student numbers, phones and bank cards are refused in every column.
"""


def document() -> str:
    """Return the content of the document."""
    return _HEAD + "".join(map(_section, FEEDS.values()))


def _section(feed: Feed) -> str:
    key = "、".join(f"`{name}`" for name in feed.key)
    if feed.editions:
        key += "（在同一批次内；各批次是各自的版本，以最新的为准）"
    lines = [
        f"\n## {feed.title} (`{feed.name}`)\n",
        f"{feed.meaning} 口径：{feed.scope or '由每行自带'}。行的标识：{key}。\n",
        "| Column | 中文 | Required | Rule | Example |",
        "| --- | --- | --- | --- | --- |",
    ]
    lists: dict[str, str] = {}
    for column in feed.columns:
        kind = column.kind
        rule = kind.rule if not column.meaning else f"{kind.rule}。{column.meaning}"
        if kind.values:
            lists[column.chinese] = "、".join(f"{name} `{code}`" for code, name in kind.values.items())
            rule = f"见“{column.chinese}”" + (f"。{column.meaning}" if column.meaning else "")
        example = f"`{column.example}`" if column.example else ""
        required = "yes" if column.required else "no"
        lines.append(f"| `{column.name}` | {column.chinese} | {required} | {rule} | {example} |")
    lines.append("")
    lines += [f"- {chinese}：{words}" for chinese, words in lists.items()]
    lines += [f"- `{check.code}`：{check.reason}" for check in feed.checks]
    lines += [
        f"- `{check.code}`（{check.severity.label}）：{check.rule}。{check.severity.label}，因为{check.why}。"
        for check in CHECKS.get(feed.name, ())
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(document(), encoding="utf-8")
