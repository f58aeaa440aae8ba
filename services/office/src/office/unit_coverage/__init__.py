"""What one unit has done with a notice, for the units above that see its coverage."""
