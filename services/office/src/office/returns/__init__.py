"""Returns (退回): a unit gives a notice back to its sender, which confirms it or sends the notice again."""
