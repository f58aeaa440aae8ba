"""What a list of records shows of each feed, and how tokens are masked. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from cockpit.feeds.declarations import FeedName

MOST = 100
"""Records of a page: a list is for looking at cases, not for copying a county."""
KEPT_DAYS = 183
"""How long the record of uses is kept at least."""


@dataclass(frozen=True)
class Listed:
    """A feed whose facts can be listed.

    `columns` are shown, `record` identifies a record beside its unit and person; `period` is an expression
    over the fact's columns that filters compare.
    """

    table: str
    columns: tuple[str, ...]
    record: tuple[str, ...]
    period: str | None = None
    amount: bool = False


LISTED: Mapping[FeedName, Listed] = {
    FeedName.AWARD: Listed(
        "award_facts",
        ("stage", "programme", "funding", "term"),
        ("record_id",),
        period="term",
        amount=True,
    ),
    FeedName.HARDSHIP: Listed(
        "hardship_facts",
        ("stage", "list_source", "hardship_type", "hardship_level"),
        ("list_source", "hardship_type", "hardship_level", "toString(valid_from)"),
    ),
    FeedName.PAYMENT: Listed(
        "payment_facts",
        ("stage", "programme", "funding", "state"),
        ("record_id", "state"),
        period="formatDateTime(due_on, '%m')",
        amount=True,
    ),
    FeedName.ENROLMENT: Listed(
        "enrolment_facts",
        ("stage", "grade", "state", "nature", "residence", "boarding"),
        ("stage", "grade", "toString(entered_on)"),
    ),
    FeedName.LOAN: Listed(
        "loan_facts",
        ("stage", "loan_kind", "bank", "state"),
        ("record_id",),
        period="formatDateTime(granted_on, '%m')",
        amount=True,
    ),
}
"""Published tables and flows of funds have no persons."""


def masked(token: str) -> str:
    """Return what identifies a person to somebody who has the token, and nobody else: its two ends."""
    return f"{token[:4]}…{token[-4:]}" if len(token) > 16 else "…"
