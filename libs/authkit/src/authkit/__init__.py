"""Verification of access tokens, and the principal that a verified token names."""
