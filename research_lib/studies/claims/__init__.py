"""The study of published claims: a small language, its evaluation, verdicts, and the scoreboard."""
