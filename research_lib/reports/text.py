"""Texts as pages show them, and where the pages' templates are."""

import re
from pathlib import Path

TEMPLATES = Path(__file__).parent / "templates"
MACHINE_PATH = re.compile(r"(?<![\w.:/])(?:[A-Za-z]:)?(?:[/\\][^\s/\\:'\"<>]+)+[/\\](?=[^\s/\\:'\"<>])")
TERMINAL_COLOUR = re.compile(r"\x1b\[[\d;]*m")


def without_paths(text: str) -> str:
    """Shorten this machine's paths to the names of files, and drop a terminal's colours."""
    return MACHINE_PATH.sub("", TERMINAL_COLOUR.sub("", text))


def first_sentence(text: str) -> str:
    """Return a text's first sentence; all of it where it has but one."""
    return re.split(r"(?<=[.!?])\s+(?=[A-Z\d“])", text, maxsplit=1)[0]
