"""Parameters in, readable reports out; knows notebooks and parameters, never a study."""
