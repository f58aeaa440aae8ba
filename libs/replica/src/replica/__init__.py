"""A service's own copy of Identity's units and people, fed by events and rebuilt from the snapshot API.

With it a service never calls Identity while it serves a request.
"""
