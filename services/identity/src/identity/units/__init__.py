"""Units, people and their places in the authority tree."""
