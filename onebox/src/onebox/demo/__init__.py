"""The main scenario, over HTTP only, against a running system in dev mode."""
