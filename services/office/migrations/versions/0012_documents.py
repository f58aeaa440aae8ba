"""Notices as documents: rich text, review, consecutive numbers, history and revisions."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: None = None
depends_on: None = None

_UNNUMBERED = "status IN ('draft', 'reviewing', 'reviewed')"
_NUMBER = "'^(.+)〔([0-9]{4})〕([0-9]{1,5})号$'"


def upgrade() -> None:
    """Apply. Nothing has been released: notices are few, so they are rewritten at once."""
    _numbers()
    for name in ("status", "published", "withdrawn", "urgency"):
        op.drop_constraint(op.f(f"ck_notices_{name}"), "notices", type_="check")
    op.drop_constraint(op.f("uq_notices_publisher_id_document_number"), "notices", type_="unique")
    text_columns = (
        "number_prefix",
        "salutation",
        "copies",
        "remark",
        "printing_office",
        "withdraw_reason",
    )
    for column in text_columns:
        op.add_column("notices", sa.Column(column, sa.Text(), nullable=True))
    for column in ("supersedes_id", "superseded_by_id", "issued_by"):
        op.add_column("notices", sa.Column(column, sa.Uuid(), nullable=True))
    for column in ("issued_at", "publish_at", "archived_at"):
        op.add_column("notices", sa.Column(column, sa.DateTime(timezone=True), nullable=True))
    op.add_column("notices", sa.Column("kind", sa.Text(), nullable=False, server_default="notice"))
    op.add_column("notices", sa.Column("updated_by", sa.Uuid(), nullable=True))
    op.add_column("notices", sa.Column("html", sa.Text(), nullable=True))
    op.add_column("notices", sa.Column("plain", sa.Text(), nullable=True))
    op.add_column("notices", sa.Column("words", ARRAY(sa.Text()), nullable=True))
    op.execute(
        """
        UPDATE notices SET
            html = (SELECT coalesce(string_agg('<p>' || replace(replace(replace(
                        paragraph, '&', '&amp;'), '<', '&lt;'), '>', '&gt;') || '</p>', '' ORDER BY n), '')
                    FROM unnest(body) WITH ORDINALITY AS one (paragraph, n)),
            plain = array_to_string(body, E'\\n'),
            updated_by = created_by, issued_by = published_by, issued_at = published_at,
            urgency = CASE urgency WHEN '平件' THEN 'routine' WHEN '加急' THEN 'urgent'
                                   ELSE 'extra_urgent' END,
            withdraw_reason = CASE WHEN withdrawn_at IS NOT NULL THEN '（未填写）' END
        """
    )
    # The pairs of characters of each text (office.writing.words).
    op.execute(
        """
        UPDATE notices SET words = coalesce((
            SELECT array_agg(DISTINCT substr(letters, n, 2) ORDER BY substr(letters, n, 2))
            FROM unnest(ARRAY[title, plain, document_number]) AS one (given),
                 LATERAL (SELECT regexp_replace(lower(normalize(given, NFKC)), '[^[:alnum:]]', '', 'g')) AS t
                     (letters),
                 generate_series(1, length(letters) - 1) AS n), '{}')
        """
    )
    op.drop_column("notices", "body")
    op.alter_column("notices", "html", new_column_name="body", nullable=False)
    for column in ("plain", "words", "updated_by"):
        op.alter_column("notices", column, nullable=False)
    op.alter_column("notices", "kind", server_default=None)
    op.drop_column("notices", "published_by")
    op.alter_column("notices", "document_number", nullable=True)
    op.execute(f"UPDATE notices SET number_prefix = substring(document_number from {_NUMBER})")  # nosec B608 - our names
    _register()
    op.execute("UPDATE notices SET document_number = NULL WHERE status = 'draft'")
    _constraints()
    _histories()


def _numbers() -> None:
    op.create_table(
        "number_series",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("letterhead", sa.Text(), nullable=True),
        sa.Column("preferred", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_number_series")),
        sa.UniqueConstraint("unit_id", "prefix", name=op.f("uq_number_series_unit_id_prefix")),
    )
    op.create_index(
        "uq_number_series_preferred",
        "number_series",
        ["unit_id"],
        unique=True,
        postgresql_where=sa.text("preferred"),
    )
    op.create_table(
        "number_counters",
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("next", sa.Integer(), nullable=False),
        sa.CheckConstraint("next BETWEEN 1 AND 100000", name=op.f("ck_number_counters_next")),
        sa.PrimaryKeyConstraint("unit_id", "prefix", "year", name=op.f("pk_number_counters")),
    )
    op.create_table(
        "document_numbers",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("serial", sa.Integer(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("words", ARRAY(sa.Text()), nullable=False),
        sa.Column("issued_by", sa.Uuid(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("void_reason", sa.Text(), nullable=True),
        sa.CheckConstraint("serial BETWEEN 1 AND 99999", name=op.f("ck_document_numbers_serial")),
        sa.CheckConstraint(
            "(voided_at IS NULL) = (void_reason IS NULL)", name=op.f("ck_document_numbers_voided")
        ),
        sa.PrimaryKeyConstraint("unit_id", "prefix", "year", "serial", name=op.f("pk_document_numbers")),
        sa.UniqueConstraint("subject_id", name=op.f("uq_document_numbers_subject_id")),
    )
    op.create_index("ix_document_numbers_register", "document_numbers", ["unit_id", "id"])
    op.create_index("ix_document_numbers_words", "document_numbers", ["words"], postgresql_using="gin")


def _register() -> None:
    """Enter the numbers that were typed by hand: consecutive ones go on after the highest."""
    op.execute(
        f"""
        INSERT INTO document_numbers (id, unit_id, prefix, year, serial, subject_id, title, words, issued_by,
                                      issued_at, voided_at, void_reason)
        SELECT id, publisher_id, number[1], number[2]::int, number[3]::int, id, title, words, issued_by,
               issued_at, withdrawn_at, withdraw_reason
        FROM notices, LATERAL regexp_match(document_number, {_NUMBER}) AS number
        WHERE published_at IS NOT NULL AND number IS NOT NULL
        ON CONFLICT DO NOTHING
        """  # nosec B608 - our names
    )
    op.execute(
        """
        INSERT INTO number_counters (unit_id, prefix, year, next)
        SELECT unit_id, prefix, year, max(serial) + 1 FROM document_numbers GROUP BY unit_id, prefix, year
        """
    )
    op.execute(
        """
        INSERT INTO number_series (id, unit_id, prefix, preferred, active, created_by, created_at, version)
        SELECT gen_random_uuid(), unit_id, prefix,
               row_number() OVER (PARTITION BY unit_id ORDER BY max(issued_at) DESC) = 1, true,
               (array_agg(issued_by))[1], min(issued_at), 1
        FROM document_numbers GROUP BY unit_id, prefix
        """
    )


def _constraints() -> None:
    words = ["draft", "reviewing", "reviewed", "issued", "published", "withdrawn", "superseded", "archived"]
    statuses = ", ".join(f"'{word}'" for word in words)
    for name, condition in (
        ("status", f"status IN ({statuses})"),
        ("kind", "kind IN ('notice', 'announcement', 'circular', 'transmittal')"),
        ("urgency", "urgency IN ('routine', 'urgent', 'extra_urgent')"),
        ("numbered", f"({_UNNUMBERED}) = (document_number IS NULL)"),
        ("issued", f"({_UNNUMBERED}) = (issued_at IS NULL)"),
        (
            "published",
            f"(published_at IS NULL) = ({_UNNUMBERED} OR status = 'issued') OR status = 'withdrawn'",
        ),
        ("withdrawn", "(status = 'withdrawn') = (withdrawn_at IS NOT NULL)"),
        ("superseded", "(status = 'superseded') = (superseded_by_id IS NOT NULL)"),
    ):
        op.create_check_constraint(op.f(f"ck_notices_{name}"), "notices", condition)
    op.create_index("ix_notices_words", "notices", ["words"], postgresql_using="gin")
    op.create_index(
        "ix_notices_due", "notices", ["publish_at"], postgresql_where=sa.text("status = 'issued'")
    )
    op.create_index(
        "ix_notices_archive",
        "notices",
        ["published_at"],
        postgresql_where=sa.text("status = 'published'"),
    )


def _histories() -> None:
    steps = "drafted submitted recalled approved returned issued published postponed withdrawn superseded"
    words = ", ".join(f"'{one}'" for one in [*steps.split(), "archived"])
    op.create_table(
        "notice_steps",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("notice_id", sa.Uuid(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.CheckConstraint(f"step IN ({words})", name=op.f("ck_notice_steps_step")),
        sa.ForeignKeyConstraint(
            ["notice_id"],
            ["notices.id"],
            name=op.f("fk_notice_steps_notice_id_notices"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_steps")),
    )
    op.create_index("ix_notice_steps_notice_id", "notice_steps", ["notice_id", "id"])
    op.create_table(
        "notice_revisions",
        sa.Column("notice_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content", JSONB(), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["notice_id"],
            ["notices.id"],
            name=op.f("fk_notice_revisions_notice_id_notices"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("notice_id", "version", name=op.f("pk_notice_revisions")),
    )
