"""Sample's replica of Identity's units and people."""
