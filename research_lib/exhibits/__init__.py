"""Figures and tables: each with a title, units, a caption that says how to read it, and an alternative text."""
