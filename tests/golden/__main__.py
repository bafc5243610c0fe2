"""Pin the findings of every parameter file that the bundled data decides: `python -m tests.golden`.

A change of shape keeps them. Where a number changes on purpose, pin again, and say in the commit which changed and why.
With ../shared/data beside the project, the findings on it are pinned too, in a folder that git ignores:
`python -m tests.golden --folder` before a change, and the test compares after it.
"""

import json
import sys
from pathlib import Path

from research_lib.params import read_parameters, read_values
from research_lib.project import PARAMETERS, PROJECT
from research_lib.studies.parameters import MODELS
from research_lib.studies.study import study_class

PINNED = Path(__file__).parent / "bundled"
ON_THE_FOLDER = Path(__file__).parent / "folder"  # ignored by git: what it holds was computed from licensed data


def parameter_files(folder):
    """The parameter files whose data is bundled, or the others that a folder can serve; each with its pinned findings."""
    for path in (path for notebook in MODELS for path in sorted((PARAMETERS / notebook).glob("*.yaml"))):
        is_bundled = read_values(path).get("source", "bundled") == "bundled"
        if path.stem != "live" and is_bundled == (folder == PINNED):
            yield path, folder / f"{path.parent.name}.{path.stem}.json"


def findings_of(path):
    """The findings of a parameter file's report, computed without a kernel."""
    study = study_class(path.parent.name)
    return study(read_parameters(path, study.Parameters)).findings.as_record()["findings"]


if __name__ == "__main__":
    folder = ON_THE_FOLDER if "--folder" in sys.argv else PINNED
    folder.mkdir(exist_ok=True)
    for path, pinned in parameter_files(folder):
        text = json.dumps(findings_of(path), indent=1, ensure_ascii=False, allow_nan=False)
        pinned.write_text(text + "\n", encoding="utf-8")
        print(path.relative_to(PROJECT))  # noqa: T201
