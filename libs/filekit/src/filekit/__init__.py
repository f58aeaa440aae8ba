"""Files from outside and files for callers: received within limits, identified, scanned, stored by content.

Nothing here holds a whole file in memory, and nothing blocks the event loop.
"""
