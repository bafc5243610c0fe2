"""One question each; never import each other."""
