"""Printing (印发): notices as PDF in the layout of GB/T 9704-2012 (docs/adr/0027-printing.md)."""
