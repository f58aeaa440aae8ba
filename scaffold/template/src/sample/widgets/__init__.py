"""Widgets (样例): what they are, and who does what with them."""
