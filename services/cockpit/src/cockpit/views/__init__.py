"""The four modules: everything that a page needs, in one answer."""
