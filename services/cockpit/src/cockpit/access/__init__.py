"""Admission, reach, and the record of refused access."""
