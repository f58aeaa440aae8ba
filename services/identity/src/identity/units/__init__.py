"""Units and their places in the authority tree."""
