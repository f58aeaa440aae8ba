"""What people write: rich text, marks of state secrets, words to search by. Pure.

The decisions are in docs/adr/0030-documents.md.
"""
