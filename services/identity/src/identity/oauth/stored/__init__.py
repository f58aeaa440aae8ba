"""What the token endpoint remembers."""
