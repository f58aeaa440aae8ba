"""The copies of units and people that Sample keeps."""
