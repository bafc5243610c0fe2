"""Do p-values and intervals keep their size? `python -m tests.validity` measures them and writes docs/validity.md."""
