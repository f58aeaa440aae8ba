"""Facts in queries.

Facts are append-only: `sign` is 1, or -1 in a fact that reverses another. `load_id` identifies the attempt
of a batch (or its reversal) that wrote the fact: a fact counts only if its load is in `counted_loads`
(`cockpit.cells.building`). Amounts are yuan, exact to the fen. The tables are in `cockpit.analytics.tables`.
"""

COUNTED = "load_id IN (SELECT load_id FROM counted_loads)"
"""The condition of every query over facts that count. Call `CellBuilder.mark` before such a query.

On a cluster each shard asks its own copy of the list: all nodes have all of it.
"""
