"""Receipts: the inbox of a unit, its signatures (签收) and the reads of its people (已读)."""
