"""Addressing (主送): how a sender names units below itself without listing them.

An address is a reach (直接下级, 全部下级, 指定单位), filters by level, kind and stage, and whether its
recipients are expected to pass on what they get (逐级转发). It is stored as it was written, so sending costs
the same for 6 and for 600,000 recipients. `AddressColumns` stores one, `predicates` finds its recipients in a
query, and `Address.matches` decides in memory.
"""
