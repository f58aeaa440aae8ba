"""Files that other platforms push for units, with tokens of their own that are bound to a key."""
