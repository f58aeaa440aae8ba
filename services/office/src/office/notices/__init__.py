"""Notices (通知公告): one document, and a tree of deliveries that is never written out.

A unit *has* a notice when its parent has forwarded it; publishing is the publisher's own forwarding. So
publishing writes the same few rows for 6 or 600,000 recipients, and a row appears only when somebody acts:
a unit forwards (转发) or signs (签收), a person reads (已读).
"""
