"""Editing a draft together: saving it, who else has it open, and what changed meanwhile."""
