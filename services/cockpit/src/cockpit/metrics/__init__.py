"""What each figure means, declared once."""
