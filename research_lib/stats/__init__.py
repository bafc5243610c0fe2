"""Statistics: numbers in, numbers out; no vendor, no parameter file, no picture."""
