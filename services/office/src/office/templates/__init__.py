"""Templates of notices: of the own unit, and offered by the units above it; with variables and versions."""
