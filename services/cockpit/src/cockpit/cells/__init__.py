"""Cells: the figures that views read, kept beside the facts and changed with each batch."""
