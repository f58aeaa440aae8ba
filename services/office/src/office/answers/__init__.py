"""Answers (答复): units fill in the form of a notice; those above collect the answers in one table."""
