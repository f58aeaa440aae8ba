"""Rows a second, memory and time of intake, by format."""
