"""What people write: rich text, marks of state secrets, words to search by. Pure."""
