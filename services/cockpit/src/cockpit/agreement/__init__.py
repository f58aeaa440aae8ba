"""Records that do not agree with other feeds or the directory: counts by unit, and the rows of a batch."""
