"""Studies: one question each; none imports another."""
