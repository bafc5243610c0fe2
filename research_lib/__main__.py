"""`python -m research_lib`: the command line."""

from research_lib.cli import app

app(prog_name="python -m research_lib")
