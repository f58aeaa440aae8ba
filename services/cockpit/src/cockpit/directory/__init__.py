"""The copy of the units."""
