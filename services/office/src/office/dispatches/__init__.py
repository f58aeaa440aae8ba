"""Dispatches: publications and forwardings, and which units a document reaches by them.

A dispatch is one row, whatever the number of its recipients. A unit *has* a document once a dispatch
addresses it: at the time of the dispatch, or when the unit comes within its reach later. What a unit has,
and by which dispatch, follows from the dated tree (docs/adr/0019-coverage-as-it-stood.md).
"""
