"""The README and the other pages say what is so: numbers, files, commands, tests, names, and what is equal."""

import re
import shlex
import shutil
import subprocess
import sys
from pkgutil import resolve_name

import pytest

from docs.make_figures import PICTURES, hero
from research_lib.exhibits.format import interval, show
from research_lib.params import read_parameters
from research_lib.project import PARAMETERS, PROJECT
from research_lib.studies.claims.study import Claims
from research_lib.studies.rate_cuts import RateCuts
from research_lib.studies.record_sigma import RecordSigma

DOCS, README = PROJECT / "docs", (PROJECT / "README.md").read_text(encoding="utf-8")
PAGES = [PROJECT / "README.md", *sorted(DOCS.glob("*.md"))]
NOT_RUN = ("data pull", "live.yaml", "research_lib lab")  # they use the network, or go on until one ends them
COMMAND = re.compile(r"(?:^(?: {4})?|`)(python -m research_lib\b[^`\n]*|papermill [^`\n]+)", re.MULTILINE)


def test_the_record_is_that_of_the_baseline():
    study = RecordSigma(read_parameters(PARAMETERS / "03_record_sigma/baseline.yaml", RecordSigma.Parameters))
    whole = RecordSigma.from_params(benchmark="")
    found, ranks = study.findings, study.definitions["rank"]
    assert found["asof_sigma_rank"].value == 1
    highest = f"{found['asof_sigma']} σ, the highest of {show(found['asof_sigma'].n, 'count')} sessions since 1950"
    others = f"a record on {(ranks == 1).sum() - 1} of {len(ranks) - 1} other definitions too"
    assert f"{highest}; {others}; unbeaten to the end of 2022" in README
    assert (f"{whole.records['highest_date'].iloc[0]:%Y-%m-%d}", whole.close.index[-1].year) == ("1984-08-03", 2022)


def test_the_rate_cuts_and_sell_in_may_are_those_of_their_reports():
    study = RateCuts(read_parameters(PARAMETERS / "01_rate_cut_regimes/baseline.yaml", RateCuts.Parameters))
    headline, positive = study.findings["headline"], study.findings["rel_positive_12"]
    ahead = f"ahead after {round(positive.value * positive.n)} of {positive.n} first cuts"
    assert f"{headline} over 12 months ({headline.interval}), {ahead}; data to {study.pair.index[-1]:%B %Y}" in README
    sayings = Claims(read_parameters(PARAMETERS / "04_claims/sayings.yaml", Claims.Parameters)).results
    (one,) = (one for one in sayings if one.claim.says.startswith("sell in May"))
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
    named = re.findall(r"`((?:params|notebooks|research_lib|docs|tests)/(?![^`]*(?:mine|my_))[\w/.]+\.\w+)`", text)
    files = [*(path.parent / name for name in links), *(PROJECT / name for name in named)]
    assert [file for file in files if not file.exists()] == []
    assert path.name != "README.md" or len(text.splitlines()) <= 100


def test_what_the_page_of_peers_calls_equal_is_equal():
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / "peers.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 4
    exec("\n".join(blocks), {})  # noqa: S102  # our own page


def test_each_fault_names_a_test_that_exists():
    text = (DOCS / "faults.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\d+) \|.*\| `(test_\w+)` \|$", text, re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, len(rows) + 1))
    assert len(rows) == len(re.findall(r"^\| \d+ ", text, re.MULTILINE)) >= 80
    code = "\n".join(path.read_text(encoding="utf-8") for path in (PROJECT / "tests").rglob("test_*.py"))
    assert {name for _, name in rows} <= set(re.findall(r"def (test_\w+)\(", code))


def test_the_walks_name_what_exists():
    walks = (DOCS / "architecture.md").read_text(encoding="utf-8").split("## From a parameter file")[1]
    names = re.findall(r"`((?:cli|params|data|stats|exhibits|studies|reports)\.[\w.]+)`", walks)
    assert len(names) > 30
    for name in names:
        resolve_name(f"research_lib.{name}")


@pytest.fixture
def copy(tmp_path):
    """The project as a newcomer has it, to run the documents' commands in."""
    leave_out = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints")
    for name in ("research_lib", "notebooks", "params", "docs"):
        shutil.copytree(PROJECT / name, tmp_path / "project" / name, ignore=leave_out)
    return tmp_path / "project"


def run(copy, words, umask=-1, **env):
    options = {"cwd": copy, "umask": umask, "env": {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(copy)} | env}
    return subprocess.run([sys.executable, *words], **options, capture_output=True, text=True, check=False)


@pytest.mark.notebook
@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_command_runs(copy, path):
    text = path.read_text(encoding="utf-8")
    lines = [line.split("  #")[0].removeprefix("python -m ") for line in dict.fromkeys(COMMAND.findall(text))]
    as_a_shell = lambda line: shlex.split(line.replace(" ~/", f" {copy}/"))  # copy is the home too
    asked = [["-m", *as_a_shell(line)] for line in lines if not any(word in line for word in NOT_RUN)]
    if path.name == "python.md":
        asked.append(["-c", "\n".join(re.findall(r"```python\n(.*?)```", text, re.DOTALL))])
    for words in asked:
        done = run(copy, words, HOME=str(copy))
        assert done.returncode == 0, f"{words}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
    assert path.name != "python.md" or "asof_sigma_rank" in done.stdout


@pytest.mark.notebook
def test_odd_surroundings_do_no_harm(copy):
    """An ASCII terminal, dumb and 20 columns wide; no HOME; a TMPDIR that is not there; files for their owner only."""
    odd = {"PYTHONIOENCODING": "ascii", "TERM": "dumb", "COLUMNS": "20", "TMPDIR": "/nowhere"}
    done = run(copy, ["-m", "research_lib", "run", "params/03_record_sigma/smoke.yaml"], umask=0o077, **odd)
    page = copy / "reports" / "03_record_sigma" / "smoke.html"
    assert done.returncode == 0, done.stderr
    assert re.search(r"\d\? gap", done.stdout)  # σ, which ASCII lacks
    assert done.stdout.isascii()
    assert "\x1b" not in done.stdout
    assert "σ gap" in page.read_text(encoding="utf-8")
    assert page.stat().st_mode & 0o777 == 0o644
