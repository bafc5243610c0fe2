"""Change the library at random places, one at a time, and see whether a test fails.

`python -m tests.mutation --n 200 --seed 0 research_lib/stats research_lib/data` works in a temporary copy, in one process
after another, only the tests that mirror the file. It prints each change and whether it was caught; docs/mutation.md
judges those that were not. Not a part of `make test`.
"""

import argparse
import ast
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from copy import deepcopy
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path

import pytest

from research_lib.project import PROJECT

PRELOADED = ("numpy", "pandas", "scipy.stats", "scipy.optimize", "hypothesis.extra.numpy", "statsmodels.api", "yaml", "pydantic",
             "exchange_calendars", "linearmodels.panel", "arch.bootstrap", "nbformat", "matplotlib.figure")  # fmt: skip
OTHER = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult, ast.FloorDiv: ast.Div, ast.Mod: ast.Mult,
    ast.Pow: ast.Mult, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd, ast.And: ast.Or, ast.Or: ast.And,
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.In: ast.NotIn, ast.NotIn: ast.In,
}  # fmt: skip
SECONDS = 600  # of one change: a loop may have lost its end


def changed(node: ast.AST) -> ast.expr | None:
    """Return an expression with another operator, number or truth in place of its own; None where it has none."""
    new = deepcopy(node)
    match new:
        case ast.BinOp() | ast.BoolOp() if type(new.op) in OTHER:
            new.op = OTHER[type(new.op)]()
        case ast.Compare() if type(new.ops[0]) in OTHER:
            new.ops[0] = OTHER[type(new.ops[0])]()
        case ast.UnaryOp(op=ast.Not() | ast.Invert() | ast.USub()):
            new = new.operand
        case ast.Constant(value=bool()):
            new.value = not new.value
        case ast.Constant(value=int()):
            new.value += 1
        case ast.Constant(value=float()):
            new.value = new.value * 1.5 or 0.5
        case ast.If() | ast.IfExp():  # an inverted condition
            new = ast.UnaryOp(ast.Not(), new.test)
        case _:
            return None
    return new


def places(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr]]:
    """Yield what can be changed below a node, and what it is changed to; types and texts are passed over."""
    if isinstance(node, ast.JoinedStr):
        return
    new = changed(node)
    if new is not None:
        yield (node.test if isinstance(node, ast.If | ast.IfExp) else node), new  # type: ignore[misc]
    for name, field in ast.iter_fields(node):
        if name not in ("annotation", "returns"):
            for child in field if isinstance(field, list) else [field]:
                if isinstance(child, ast.AST):
                    yield from places(child)


def replaced(text: str, old: ast.expr, new: ast.expr) -> str:
    """Return the text of a module with one expression in place of another."""
    lines = text.encode().splitlines(keepends=True)  # places are counted in bytes
    ends = [sum(map(len, lines[: line - 1])) + column for line, column in
            ((old.lineno, old.col_offset), (old.end_lineno, old.end_col_offset))]  # fmt: skip
    code = b"".join(lines)
    return (code[: ends[0]] + f"({ast.unparse(new)})".encode() + code[ends[1] :]).decode()


def mirrors(path: Path) -> list[str]:
    """Return the tests that mirror a file of the library, or those of its package; of studies, what is pinned as well."""
    package, *parts = path.with_suffix("").relative_to("research_lib").parts
    own = [str(test) for part in reversed(parts) for test in sorted(Path("tests", package).rglob(f"test_{part}*.py"))]
    own = own or [str(test) for test in sorted(Path("tests", package).glob("test_*.py"))]
    return [*own, *(["tests/golden"] if package == "studies" else [])]


def run(tests: list[str]) -> None:
    sys.dont_write_bytecode = True  # a change within a second of another would be taken for it
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, 1)
    os.dup2(sink, 2)
    words = ["-x", "-q", "-p", "no:cacheprovider", "-W", "ignore::pytest.PytestAssertRewriteWarning"]
    os._exit(int(pytest.main([*words, *dict.fromkeys(tests)])))


def passes(tests: list[str]) -> bool:
    """Run tests in a process of their own, which imports the library as it is now."""
    process = get_context("fork").Process(target=run, args=(tests,))
    process.start()
    process.join(SECONDS)
    process.kill()
    process.join()
    return process.exitcode == 0


def copy_project(folder: Path) -> None:
    """Copy what git knows of, the real data beside it, and let this process import the copy from now on."""
    words = ["git", "ls-files", "-z"]
    listed = subprocess.run(words, cwd=PROJECT, check=True, capture_output=True, text=True).stdout
    for name in filter(os.path.isfile, listed.split("\0")):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(name, folder / name)
    (folder.parent / "shared").symlink_to(PROJECT.parent / "shared")
    os.chdir(folder)
    sys.path[:] = [str(folder), *(one for one in sys.path if Path(one).resolve() != PROJECT)]
    for name in [name for name in sys.modules if name.split(".")[0] in ("research_lib", "tests")]:
        del sys.modules[name]


def main() -> None:
    """Change, test, and change back."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("paths", nargs="+", type=Path, help="files and folders of the library")
    parser.add_argument("--n", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        copy_project(Path(folder, "kit"))
        for name in PRELOADED:
            import_module(name)
        files = sorted({file for path in asked.paths for file in ([path] if path.is_file() else path.rglob("*.py"))})
        texts = {file: file.read_text(encoding="utf-8") for file in files}
        known = [(file, *place) for file, text in texts.items() for place in places(ast.parse(text))]
        chosen = random.Random(asked.seed).sample(known, min(asked.n, len(known)))  # noqa: S311
        for tests in sorted({tuple(mirrors(file)) for file, *_ in chosen}):
            if not passes([*tests]):
                sys.exit(f"{' '.join(tests)}: a test fails before anything is changed")
        caught = 0
        for file, old, new in chosen:
            file.write_text(replaced(texts[file], old, new), encoding="utf-8")
            lives = passes(mirrors(file))
            file.write_text(texts[file], encoding="utf-8")
            caught += not lives
            verdict = "SURVIVES" if lives else "caught"
            sys.stdout.write(f"{verdict:9}{file}:{old.lineno}  {ast.unparse(old)}  ->  {ast.unparse(new)}\n")
            sys.stdout.flush()
        sys.stdout.write(f"{caught} of {len(chosen)} caught, of {len(known):,} places\n")


if __name__ == "__main__":
    main()
