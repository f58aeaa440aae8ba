"""Numbers that are kept instead of counted: units and people of the tree, and receipts of each notice.

Triggers keep the numbers of the tree, so that events, a rebuild and any other writer agree
(docs/adr/0029-counters.md). `Counters` keeps those of receipts, in the transaction of each receipt.
"""
