"""Coverage of a notice: delivery and signing progress in a subtree, and the units that block it."""
