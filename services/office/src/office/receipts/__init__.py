"""Receipts: what a unit has received, that it signed (签收), and which of its people have read it (已读)."""
