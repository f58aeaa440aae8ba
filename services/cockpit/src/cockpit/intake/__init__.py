"""Figures come in as files, in batches that count whole or not at all."""
