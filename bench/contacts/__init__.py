"""The address book with a whole country."""
