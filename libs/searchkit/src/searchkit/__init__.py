"""Search of names by pairs of characters, syllables and initials, in PostgreSQL (docs/adr/0025-search.md).

`words` makes tokens, `matching` the queries, `frequencies` decides how to search, `phases` joins the parts of
a page, `queue` holds what has to be indexed.
"""
