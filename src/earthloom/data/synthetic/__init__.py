"""Training pairs that are made up."""
