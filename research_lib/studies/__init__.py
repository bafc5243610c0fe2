"""One question each; a study never imports another."""
