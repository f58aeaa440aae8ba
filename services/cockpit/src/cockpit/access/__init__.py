"""Who gets in, how far they reach, and the record of those who reached too far."""
