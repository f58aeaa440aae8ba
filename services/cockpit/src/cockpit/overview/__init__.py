"""资助概览 of one unit and one year."""
