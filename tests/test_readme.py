"""The README says what is so: its numbers, its files, its commands."""

import re
import shlex
import shutil
import subprocess
import sys

import pytest

from docs.make_figures import PICTURES, hero
from research_lib.exhibits.format import interval, show
from research_lib.params import read_parameters
from research_lib.project import PARAMETERS, PROJECT
from research_lib.studies.claims.study import Claims
from research_lib.studies.rate_cuts import RateCuts
from research_lib.studies.record_sigma import RecordSigma

README = (PROJECT / "README.md").read_text(encoding="utf-8")
PAGES = [PROJECT / "README.md", *sorted((PROJECT / "docs").glob("*.md"))]
NOT_RUN = ("data pull", "live.yaml", "research_lib lab")  # they use the network, or go on until one ends them
COMMAND = re.compile(r"(?:^(?: {4})?|`)(python -m research_lib\b[^`\n]*|papermill [^`\n]+)", re.MULTILINE)


def study_of(kind, notebook, slug):
    return kind(read_parameters(PARAMETERS / notebook / f"{slug}.yaml", kind.Parameters))


def test_the_record_is_that_of_the_baseline():
    study, whole = study_of(RecordSigma, "03_record_sigma", "baseline"), RecordSigma.from_params(benchmark="")
    found, records = study.findings, int((study.definitions["rank"] == 1).sum())
    assert found["asof_sigma_rank"].value == 1
    assert (
        f"{found['asof_sigma']} σ, the highest of {show(found['asof_sigma'].n, 'count')} sessions since 1950; "
        f"a record on {records - 1} of {len(study.definitions) - 1} other definitions too; unbeaten to the end of 2022"
    ) in README
    highest, last = whole.records["highest_date"].iloc[0], whole.close.index[-1]
    assert (f"{highest:%Y-%m-%d}", last.year) == ("1984-08-03", 2022)


def test_the_rate_cuts_and_sell_in_may_are_those_of_their_reports():
    study = study_of(RateCuts, "01_rate_cut_regimes", "baseline")
    found, last = study.findings, f"data to {study.pair.index[-1]:%B %Y}"
    headline, positive = found["headline"], found["rel_positive_12"]
    ahead = f"ahead after {round(positive.value * positive.n)} of {positive.n} first cuts; {last}"
    assert f"{headline} over 12 months ({headline.interval}), {ahead}" in README
    said = {one.claim.says: one for one in study_of(Claims, "04_claims", "sayings").results}
    (one,) = (one for says, one in said.items() if says.startswith("sell in May"))
    ends, may = interval(one.reading.low, one.reading.high, "points"), one.reading
    assert one.verdict == "holds"
    assert f"by {show(may.value, 'points')[1:]} on average ({ends}), {may.n} years" in README


def test_the_hero_picture_is_current():
    for name, svg in hero().items():
        drawn, kept = ((re.sub(r"-?\d+\.\d+", "", text)) for text in (svg, (PICTURES / name).read_text("utf-8")))
        assert drawn.strip() == kept.strip(), "run: make figures"


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_files_that_are_named_exist(path):
    text = path.read_text(encoding="utf-8")
    links = re.findall(r"(?:\]\(|(?:src|srcset)=\")([^)#:\"]+)[)\"]", text)
    named = re.findall(r"`((?:params|notebooks|research_lib|docs|tests)/[\w/.]+\.\w+)`", text)
    files = [path.parent / name for name in links] + [
        PROJECT / name for name in named if not re.search("mine|my_question", name)
    ]
    assert [file for file in files if not file.exists()] == []
    assert path.name != "README.md" or len(text.splitlines()) <= 100


@pytest.fixture
def copy(tmp_path):
    """The project as a newcomer has it, to run the documents' commands in."""
    leave_out = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
    for name in ("research_lib", "notebooks", "params", "docs"):
        shutil.copytree(PROJECT / name, tmp_path / "project" / name, ignore=leave_out)
    return tmp_path / "project"


@pytest.mark.notebook
@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_command_runs(copy, path):
    text = path.read_text(encoding="utf-8")
    lines = [line.split("  #")[0].removeprefix("python -m ") for line in dict.fromkeys(COMMAND.findall(text))]
    asked = [["-m", *shlex.split(line)] for line in lines if not any(word in line for word in NOT_RUN)]
    if path.name == "python.md":
        asked.append(["-c", "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))])
    options = {"cwd": copy, "env": {"PATH": "/usr/bin:/bin", "HOME": str(copy), "PYTHONPATH": str(copy)}}
    for words in asked:
        done = subprocess.run([sys.executable, *words], **options, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{words}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    assert path.name != "python.md" or "asof_sigma_rank" in done.stdout


@pytest.mark.notebook
def test_odd_surroundings_do_no_harm(copy):
    """An ASCII terminal, dumb and 20 columns wide; no HOME; a TMPDIR that is not there; files for their owner only."""
    odd = {"PYTHONIOENCODING": "ascii", "TERM": "dumb", "COLUMNS": "20", "TMPDIR": "/nowhere", "PATH": "/usr/bin:/bin"}
    words = [sys.executable, "-m", "research_lib", "run", "params/03_record_sigma/smoke.yaml"]
    odd["PYTHONPATH"] = str(copy)
    done = subprocess.run(words, cwd=copy, env=odd, capture_output=True, check=False, umask=0o077)
    page = copy / "reports" / "03_record_sigma" / "smoke.html"
    assert done.returncode == 0, done.stderr
    assert re.search(r"\d\? gap", done.stdout.decode("ascii"))  # σ, which ASCII lacks
    assert b"\x1b" not in done.stdout
    assert "σ gap" in page.read_text(encoding="utf-8")
    assert page.stat().st_mode & 0o777 == 0o644
