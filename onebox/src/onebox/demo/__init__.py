"""The main job, over HTTP only, against a running system in dev mode."""
