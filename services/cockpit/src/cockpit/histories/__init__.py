"""The history of a record: every fact that added it or took it back."""
