"""Office's own copy of Identity's units and people."""
