"""资助概览: one unit, one year."""
