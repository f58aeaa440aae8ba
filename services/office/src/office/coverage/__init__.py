"""Coverage of a notice: how far it has come in a part of the tree, and which units hold it up."""
