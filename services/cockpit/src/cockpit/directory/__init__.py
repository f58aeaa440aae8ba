"""Cockpit's replica of Identity's units."""
