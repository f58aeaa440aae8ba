"""Widgets (样例)."""
