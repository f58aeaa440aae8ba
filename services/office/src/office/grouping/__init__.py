"""The API of groups and favourites: members as the address book shows them now."""
