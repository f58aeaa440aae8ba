"""Collected answers: those of a subtree in one table, with totals, who has not answered, and Excel."""
