"""The records of individual students behind a figure, for the county in charge."""
