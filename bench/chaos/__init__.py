"""Faults under load, and what must hold afterwards."""
