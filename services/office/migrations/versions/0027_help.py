"""Help articles and their versions.

Revision: 0027
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision: str = "0027"
down_revision: str | None = "0026"
branch_labels: None = None
depends_on: None = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "help_articles",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("words", ARRAY(sa.Text()), nullable=False),
        sa.Column("updated_by", sa.Uuid(), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_help_articles")),
    )
    in_use = sa.text("retired_at IS NULL")
    op.create_index(
        "ix_help_articles_order", "help_articles", ["category", "position", "id"], postgresql_where=in_use
    )
    op.create_index(
        "ix_help_articles_words",
        "help_articles",
        ["words"],
        postgresql_using="gin",
        postgresql_where=in_use,
    )
    op.create_index(
        "uq_help_articles_title", "help_articles", ["title"], unique=True, postgresql_where=in_use
    )
    op.create_table(
        "help_article_versions",
        sa.Column("article_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content", JSONB(), nullable=False),
        sa.Column("by", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["article_id"],
            ["help_articles.id"],
            name=op.f("fk_help_article_versions_article_id_help_articles"),
        ),
        sa.PrimaryKeyConstraint("article_id", "version", name=op.f("pk_help_article_versions")),
    )
