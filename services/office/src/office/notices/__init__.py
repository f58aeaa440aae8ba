"""Notices (通知公告): one document, and deliveries that are derived from the tree instead of stored.

A unit *has* a notice when its parent has forwarded it; publishing is the publisher's own forwarding. So
publishing writes the same few rows for 6 or 600,000 recipients. Only actions add rows: a unit forwards (转发)
or signs (签收), a person reads (已读).
"""
