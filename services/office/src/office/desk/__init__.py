"""A person's desk: the tasks of a person and of the units that they belong to, and what they do with them."""
