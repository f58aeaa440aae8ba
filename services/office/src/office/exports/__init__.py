"""Exports: files that a job makes in the background, for the person who asked, kept for a week.

A feature starts an export with `Exports.start` and gives a writer to `jobs.handler`.
"""
