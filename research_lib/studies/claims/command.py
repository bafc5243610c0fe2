"""What the `claims` command prints and writes."""

import json
import re
import textwrap
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

import pandas as pd

from research_lib.errors import ParameterError, nearest
from research_lib.exhibits.format import plural
from research_lib.params import read_parameters
from research_lib.project import PARAMETERS, display_path
from research_lib.studies.claims.language import grammar as words
from research_lib.studies.claims.study import Claims
from research_lib.studies.claims.verdict import DEPENDS, FAILS, MISFIT, OPEN, VERDICTS, Result

__all__ = ["claims_report", "new_claims", "words"]

ORDER = (FAILS, DEPENDS, OPEN, *(one for one in VERDICTS if one not in (FAILS, DEPENDS, OPEN)))
SKELETON = (files(__package__) / "new.yaml").read_text(encoding="utf-8")


def claims_report(  # the command's options
    path: Path,
    *,
    verdict: str | None = None,
    article: str | None = None,
    as_json: bool = False,
    as_csv: bool = False,
    width: int = 80,
    overrides: Mapping[str, object] | None = None,
) -> str:
    """Judge the claims of a file: counts, lines that do not fit, then what fails, depends, is open, and all others."""
    study = Claims(read_parameters(path, Claims.Parameters, overrides or {}))
    if verdict is not None and verdict not in VERDICTS:
        raise ParameterError(f"unknown verdict {verdict}{nearest(verdict, VERDICTS)}")
    if article is not None and article not in study.p.articles:
        raise ParameterError(f"{display_path(path)}: no article {article}{nearest(article, study.p.articles)}")
    chosen = [one for one in study.results if verdict in (None, one.verdict) and article in (None, one.claim.article)]
    records = [one.as_record() for one in chosen]
    if as_json:
        return json.dumps(records, indent=1, ensure_ascii=False)
    if as_csv:
        return pd.DataFrame(records).to_csv(index=False).rstrip("\n")
    ordered = sorted(chosen, key=lambda one: -1 if MISFIT in one.text.lower() else ORDER.index(one.verdict))
    head = textwrap.fill(f"{plural(len(study.results), 'claim')}: {study.tally}.", width)
    return "\n".join([head, *(_lines(one, width) for one in ordered)])


def _lines(one: Result, width: int) -> str:
    figures = f"Published {one.stated}, computed {one.computed}. " if one.readings else ""
    parts = [one.claim.says + (f" (read as: {one.claim.reading})" if one.claim.reading else ""), figures + one.text]
    parts += [f"What happened: {one.happened}"] if one.happened else []
    body = "\n".join(textwrap.fill(part, max(width, 40), initial_indent="  ", subsequent_indent="  ") for part in parts)
    return f"\n{one.verdict.upper()} {one.claim.id}\n{body}"


def new_claims(name: str) -> Path:
    """Write a first claims file with comments; refuse to replace one."""
    path = PARAMETERS / "04_claims" / f"{name}.yaml"
    if not re.fullmatch(r"[\w-]+", name):
        raise ParameterError(f"{name}: a name has letters, digits, _ and - only")
    if path.exists():
        raise ParameterError(f"{display_path(path)} is there already; choose another name")
    path.write_text(SKELETON, encoding="utf-8")
    return path
