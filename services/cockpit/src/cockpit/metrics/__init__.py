"""The definitions of all metrics."""
