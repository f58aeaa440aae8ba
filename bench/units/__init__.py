"""Imports, exports and moves of a country of units."""
