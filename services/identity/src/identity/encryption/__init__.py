"""Rotation of the keys that encrypt and index personal data."""
