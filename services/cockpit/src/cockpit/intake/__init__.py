"""Intake of figures as files, in batches that count completely or not at all."""
