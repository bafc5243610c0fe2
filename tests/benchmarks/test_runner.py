"""The runner against `papermill` and `jupyter nbconvert` over the same files, and the command's help against an import."""

import sys
import sysconfig
from pathlib import Path

import nbformat
import pandas as pd

from research_lib.project import NOTEBOOKS, PARAMETERS
from research_lib.reports.plan import plan
from research_lib.reports.run import check
from tests.benchmarks.measure import compare, growth, measured, seconds

pytestmark = measured
COMMAND = [sys.executable, "-m", "research_lib"]
SCRIPTS = Path(sysconfig.get_path("scripts"))
SMOKE = PARAMETERS / "03_record_sigma" / "smoke.yaml"
KIND = "application/vnd.research-lib.findings+json"


def run(output, *words):
    return [*COMMAND, "run", *words, "--output", output]


def plainly(paths, folder):
    """Run papermill and nbconvert, one after the other, for each parameter file."""
    for path in paths:
        made = folder / path.parent.name / f"{path.stem}.ipynb"
        made.parent.mkdir(parents=True, exist_ok=True)
        options = ["-f", path, "--cwd", NOTEBOOKS, "--no-progress-bar"]
        seconds([SCRIPTS / "papermill", NOTEBOOKS / f"{path.parent.name}.ipynb", made, *options])
        seconds([SCRIPTS / "jupyter-nbconvert", "--to", "html", made])


def findings(notebook):
    """The findings that a notebook shows, a row each."""
    cells = [cell for cell in nbformat.read(notebook, as_version=4).cells if cell.cell_type == "code"]
    data = [output.get("data", {}) for cell in cells for output in cell.outputs]
    return pd.DataFrame(next(one[KIND] for one in data if KIND in one)["findings"])


def test_all_reports(tmp_path):
    """Every parameter file whose data is here, by the kit, plainly, and on a Dask cluster: the same findings everywhere."""
    planned = plan([], output=tmp_path)
    unfit = check(planned.reports, leave_out_absent=True)
    paths = [PARAMETERS / f"{report.name}.yaml" for report in planned.reports if report.name not in unfit]
    ours, alone = run(tmp_path / "ours", *paths), run(tmp_path / "ours", *paths, "--force")
    cluster = run(tmp_path / "cluster", *paths, "--cluster", "local", "--jobs", "2")
    what, theirs = f"{len(paths)} reports", tmp_path / "plain"
    compare(f"{what}, against papermill and nbconvert", ours, lambda: plainly(paths, theirs), rounds=1)
    compare("nothing changed, against `import papermill`", ours, [sys.executable, "-c", "import papermill"])
    compare(f"{what} on a Dask cluster of two local workers, against the same without", cluster, alone, rounds=1)
    for path in paths:
        made = Path(path.parent.name, f"{path.stem}.ipynb")
        first, *others = (findings(tmp_path / side / made) for side in ("ours", "plain", "cluster"))
        for other in others:
            pd.testing.assert_frame_equal(first, other, rtol=1e-9)


def test_one_report_cold_and_help(tmp_path):
    ours = run(tmp_path, SMOKE, "--force")
    compare("one report cold, against papermill and nbconvert", ours, lambda: plainly([SMOKE], tmp_path / "plain"))
    compare("--help, against `import pandas`", [*COMMAND, "--help"], [sys.executable, "-c", "import pandas"], rounds=7)


def test_sweeps(tmp_path):
    """A report of a sweep of 100 against the time that its own cells take when it is made alone."""
    seconds(run(tmp_path / "one", SMOKE))
    cells = nbformat.read(tmp_path / "one" / "03_record_sigma" / "smoke.ipynb", as_version=4).cells
    alone = sum(cell.metadata.get("papermill", {}).get("duration") or 0 for cell in cells)
    sweep = lambda n: seconds(run(tmp_path / str(n), SMOKE, "--grid", f"seed=0:{n - 1}:1"))
    took = growth("reports in a sweep", (1, 10, 100, 500), sweep)[100] / 100
    print(f"\n| one of a sweep of 100, against its cells alone | {took:.3g} s | {alone:.3g} s | {alone / took:.2f} |")
