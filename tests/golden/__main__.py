"""Pin the findings of every parameter file that the bundled data decides: `python -m tests.golden`.

A change of shape keeps them. Where a number changes on purpose, pin again, and say in the commit which changed and why.
With ../shared/data beside the project, the findings on it are pinned too, in a folder that git ignores:
`python -m tests.golden --folder` before a change, and the test compares after it.
"""

import json
import sys
from pathlib import Path

from research_lib.params import read_values, validate
from research_lib.project import PARAMETERS, PROJECT
from research_lib.studies.parameters import MODELS
from research_lib.studies.study import study_class

PINNED = Path(__file__).parent / "bundled"
ON_THE_FOLDER = Path(__file__).parent / "folder"  # ignored by git: what it holds was computed from licensed data
LEFT_OUT = {"live"}


def parameter_files(folder: Path) -> list[Path]:
    """The parameter files whose data is bundled, or the others that a folder can serve."""
    files = [path for notebook in MODELS for path in sorted((PARAMETERS / notebook).glob("*.yaml"))]
    is_bundled = lambda path: read_values(path).get("source", "bundled") == "bundled"
    return [path for path in files if path.stem not in LEFT_OUT and is_bundled(path) == (folder == PINNED)]


def findings_of(path: Path) -> list[dict[str, object]]:
    """The findings of a parameter file's report, computed without a kernel."""
    study = study_class(path.parent.name)
    params = validate(study.Parameters, read_values(path), origin=path.name)
    found: list[dict[str, object]] = study(params).findings.as_record()["findings"]
    return found


def pinned_file(path: Path, folder: Path) -> Path:
    return folder / f"{path.parent.name}.{path.stem}.json"


if __name__ == "__main__":
    folder = ON_THE_FOLDER if "--folder" in sys.argv else PINNED
    folder.mkdir(exist_ok=True)
    for path in parameter_files(folder):
        text = json.dumps(findings_of(path), indent=1, ensure_ascii=False, allow_nan=False)
        pinned_file(path, folder).write_text(text + "\n", encoding="utf-8")
        print(path.relative_to(PROJECT))  # noqa: T201
