"""Make the pictures of README and docs again, from bundled data: `make figures`. Screenshots need Chromium.

python docs/make_figures.py            all of them
python docs/make_figures.py hero       the hero picture alone, light and dark: a test holds it against the code
"""

import re
import shutil
import subprocess
import sys
import tomllib
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory

from research_lib.params import read_parameters, read_values
from research_lib.project import PARAMETERS, PROJECT
from research_lib.studies.record_sigma import RecordSigma

PICTURES = PROJECT / "docs" / "pictures"
SCREENS = {
    "index": "index.html", "report": "03_record_sigma/baseline.html", "own-notebook": "my_question/first.html",
}  # fmt: skip
DARK = {
    "ink": "#e8e8ed", "quiet": "#a1a1aa", "grid": "#34343a", "paper": "#0d1117", "small": "#f0a830", "large": "#58a6dd",
    "day": "#ff7b72", "context": "#8b8b94", "band": "#24445e",
}  # fmt: skip


def hero() -> dict[str, str]:
    """Draw the S&P 500's record, for a light and for a dark page."""
    params = read_parameters(PARAMETERS / "03_record_sigma" / "baseline.yaml", RecordSigma.Parameters)
    study = RecordSigma(params)
    figure = study.show(study.summary().hero)
    light = figure.standalone()
    colours = dict(re.findall(r"var\(--([\w-]+), ?(#\w+)\)", figure.svg))
    dark = light.replace("#ffffff", DARK["paper"]).replace("#1d1d1f", DARK["ink"])
    for name, colour in colours.items():
        dark = dark.replace(colour, DARK.get(name, colour))
    return {"hero-light.svg": light, "hero-dark.svg": dark}


def badges() -> dict[str, str]:
    """Draw the badges, which are true without a network."""
    bounds = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    first, last = re.findall(r"3\.(\d+)", bounds["requires-python"])
    known = {"python": f"Python 3.{first}–3.{int(last) - 1}", "licence": f"Licence {bounds['license']}"}
    return {
        f"{name}.svg": f'<svg xmlns="http://www.w3.org/2000/svg" width="{9 * len(text)}" height="22" role="img">'
        f'<title>{text}</title><rect width="100%" height="100%" rx="4" fill="#0b6fae"/>'
        f'<text x="50%" y="15" text-anchor="middle" font-family="sans-serif" font-size="12" fill="#fff">{text}</text></svg>'
        for name, text in known.items()
    }


def terminal() -> dict[str, str]:
    """Show what `claims` says in an 80-column terminal."""
    from rich.console import Console
    from rich.text import Text

    command = "python -m research_lib claims params/04_claims/sayings.yaml"
    said = subprocess.run(
        [sys.executable, *command.split()[1:]], cwd=PROJECT, capture_output=True, text=True, check=False,
        env={"COLUMNS": "100", "FORCE_COLOR": "1", "PATH": "/usr/bin:/bin", "HOME": "/"},
    )  # fmt: skip
    console = Console(record=True, width=100, file=StringIO())
    console.print(Text(f"$ {command}"))
    for line in said.stdout.splitlines()[:28]:
        console.print(Text.from_ansi(line))
    return {"terminal.svg": console.export_svg(title="claims", unique_id="claims")}


def screenshots() -> None:
    """Take the first screen of the index, of a report, and of the report of a notebook of one's own."""
    from playwright.sync_api import sync_playwright

    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        sys.exit("screenshots need Chromium: apt install chromium")
    files = [path for path in sorted(PARAMETERS.glob("*/*.yaml")) if path.stem != "smoke"]
    bundled = [str(path) for path in files if read_values(path).get("source", "bundled") == "bundled"]
    with TemporaryDirectory() as folder, sync_playwright() as running:
        browser = running.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        _command("run", *bundled, "--output", folder)
        for name, path in SCREENS.items():
            if not Path(folder, path).exists():
                _command("new", "my_question", "--folder", folder)
                _command("run", f"{folder}/params", "--output", folder)
            page.goto(Path(folder, path).as_uri())
            page.screenshot(path=PICTURES / f"{name}.png")
            _shrink(PICTURES / f"{name}.png")
        browser.close()


def _command(*words: str) -> None:
    subprocess.run([sys.executable, "-m", "research_lib", *words], cwd=PROJECT, check=True)


def _shrink(path: Path) -> None:
    """Write a screenshot in 256 colours, the rare ones among them, which a page needs no more of."""
    from PIL import Image

    with Image.open(path) as picture:
        small = picture.convert("RGB").quantize(256, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    small.save(path, optimize=True)


if __name__ == "__main__":
    PICTURES.mkdir(exist_ok=True)
    for name, svg in (hero() if sys.argv[1:] == ["hero"] else hero() | badges() | terminal()).items():
        (PICTURES / name).write_text(svg + "\n", encoding="utf-8")
    if sys.argv[1:] != ["hero"]:
        screenshots()
