"""Change the library at random places, one at a time, and see whether a test fails.

`python -m tests.mutation --n 200 --seed 0 research_lib/stats research_lib/data` works in a temporary copy and runs only the
tests that mirror the file. It prints each change and whether it was caught; docs/mutation.md judges those that were not.
"""

import argparse
import ast
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from research_lib.project import PROJECT

PAIRS = ((ast.Add, ast.Sub), (ast.Mult, ast.Div), (ast.BitAnd, ast.BitOr), (ast.And, ast.Or), (ast.Lt, ast.LtE),
         (ast.Gt, ast.GtE), (ast.Eq, ast.NotEq), (ast.Is, ast.IsNot), (ast.In, ast.NotIn))  # fmt: skip
OTHER = {one: other for pair in PAIRS for one, other in (pair, pair[::-1])}
OTHER |= {ast.FloorDiv: ast.Div, ast.Mod: ast.Mult, ast.Pow: ast.Mult, ast.USub: ast.UAdd}
OF_A_PACKAGE = {"studies": ["tests/golden"], "stats": ["tests/validity/test_validity.py", "tests/golden"]}


def changed(node):  # noqa: PLR0911  # one a kind of node
    """Return a field of a node and another operator, number or truth for it; nothing where it has none."""
    match node:
        case ast.BinOp() | ast.BoolOp() | ast.UnaryOp() if type(node.op) in OTHER:
            return "op", OTHER[type(node.op)]()
        case ast.Compare() if type(node.ops[0]) in OTHER:
            return "ops", [OTHER[type(node.ops[0])](), *node.ops[1:]]
        case ast.UnaryOp(op=ast.Not() | ast.Invert()):
            return "operand", ast.UnaryOp(node.op, node.operand)
        case ast.If() | ast.IfExp():
            return "test", ast.UnaryOp(ast.Not(), node.test)
        case ast.Constant(value=bool() as value):
            return "value", not value
        case ast.Constant(value=int() | float() as value):
            return "value", value + 1 if isinstance(value, int) else value * 1.5 or 0.5
    return None


def places(node):
    """Yield what can be changed below a node, the field, and its new value; types and texts are passed over."""
    if isinstance(node, ast.JoinedStr):
        return
    if new := changed(node):
        yield node, *new
    for name, field in ast.iter_fields(node):
        for child in field if isinstance(field, list) else [field]:
            if isinstance(child, ast.AST) and name not in ("annotation", "returns"):
                yield from places(child)


def mirrors(path):
    """Return the tests named after a file of the library, or those of its package, and what else judges its numbers."""
    package, *parts = path.with_suffix("").relative_to("research_lib").parts
    own = [str(test) for part in reversed(parts) for test in sorted(Path("tests").rglob(f"test_{part}*.py"))]
    own = own or [str(test) for test in sorted(Path("tests", package).rglob("test_*.py"))]
    return list(dict.fromkeys([*own, *OF_A_PACKAGE.get(package, [])]))


def passes(tests):
    """Run tests, which import the library as it is now; nothing compiled is kept, as a change a second later is none to it."""
    words = [sys.executable, "-B", "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
    try:
        return subprocess.run(words, check=False, capture_output=True, timeout=600).returncode == 0
    except subprocess.TimeoutExpired:  # a loop may have lost its end
        return False


def main():
    """Change, test, and change back."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("paths", nargs="+", type=Path, help="files and folders of the library")
    parser.add_argument("--n", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        copy = shutil.copytree(PROJECT, Path(folder, "kit"), ignore=shutil.ignore_patterns(".*", "__pycache__"))
        Path(folder, "shared").symlink_to(PROJECT.parent / "shared")  # the real data
        os.chdir(copy)
        files = sorted({file for path in asked.paths for file in ([path] if path.is_file() else path.rglob("*.py"))})
        trees = {file: ast.parse(file.read_text(encoding="utf-8")) for file in files}
        known = [(file, *place) for file, tree in trees.items() for place in places(tree)]
        chosen, caught = random.Random(asked.seed).sample(known, min(asked.n, len(known))), 0  # noqa: S311
        if not passes(sorted({test for file, *_ in chosen for test in mirrors(file)})):
            sys.exit("a test fails before anything is changed")
        for file, node, field, value in chosen:
            text, before, old = file.read_text(encoding="utf-8"), ast.unparse(node), getattr(node, field)
            setattr(node, field, value)
            file.write_text(ast.unparse(trees[file]), encoding="utf-8")
            lives, after = passes(mirrors(file)), ast.unparse(node)
            file.write_text(text, encoding="utf-8")
            setattr(node, field, old)
            caught += not lives
            change = f"{before}  ->  {after}".replace("\n", " ")[:150]
            print(f"{'SURVIVES' if lives else 'caught':9}{file}:{node.lineno}  {change}", flush=True)  # noqa: T201
        print(f"{caught} of {len(chosen)} caught, of {len(known):,} places")  # noqa: T201


if __name__ == "__main__":
    main()
