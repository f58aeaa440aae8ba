"""A service's replica of Identity's units and people, updated by events and rebuilt from the snapshot API.

With the replica, a service does not call Identity during a request.
"""
