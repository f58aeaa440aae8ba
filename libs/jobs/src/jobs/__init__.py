"""Durable jobs and periodic tasks, in the service's own database.

A job is enqueued in the caller's transaction, runs in one of the service's workers, reports progress, resumes
from its last checkpoint after a failure or a killed worker, and ends as succeeded, dead or cancelled. A
periodic task runs once across all processes. See docs/adr/0011-jobs.md.
"""
