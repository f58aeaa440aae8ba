"""Resumable uploads of large files with facts, which a job takes in."""
