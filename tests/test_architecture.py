"""The rules of docs/decisions and CONTRIBUTING.md on the shape of the code; .importlinter has those on imports.

Here is what import-linter cannot see: imports past a package's `__init__`, modules named in strings, names and sizes.
"""

from __future__ import annotations

import ast
import gc
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from radon.complexity import cc_visit

ROOT = Path(__file__).parent.parent
ROOMS = ("schemas", "harvesters", "transforms", "loaders", "pipeline", "dags", "commands")
MEANINGLESS_NAMES = {"utils", "helpers", "common", "misc"}
MAX_PUBLIC_NAMES = 3.3  # per 100 lines; 3.1 were reached
MAX_COMPLEXITY = 10
MAX_COMPLEX_FUNCTIONS = 0  # a ratchet: raise it only for a function that is clearer whole, and say why here


@pytest.fixture(autouse=True)
def no_collection() -> Iterator[None]:
    """Let no garbage be collected while Python 3.11 makes a syntax tree: what runs then breaks its count of depths.

    "SystemError: AST constructor recursion depth mismatch", https://github.com/python/cpython/issues/106905.
    """
    gc.disable()
    yield
    gc.enable()


def modules(*rooms: str) -> list[Path]:
    """Return the rooms' files, without migrations, which Alembic finds by itself."""
    paths = (path for room in rooms or ROOMS for path in (ROOT / room).rglob("*.py"))
    return sorted(path for path in paths if "versions" not in path.parts)


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Yield the full name and the line of everything that a file imports, at the top or in a function."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{place(path, node.lineno)} imports relatively; write the full name"
            yield from ((f"{node.module}.{alias.name}", node.lineno) for alias in node.names)


def place(path: Path, line: int) -> str:
    return f"{path.relative_to(ROOT)}:{line}"


def test_imports_obey_the_contracts_of_importlinter() -> None:
    command = [Path(sys.executable).with_name("lint-imports"), "--no-cache"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_nothing_imports_past_the_names_that_a_package_shows() -> None:
    """A package whose `__init__` has names hides its modules from all outside it; its subpackages show their own.

    The modules of a room are public, except those of schemas; a room's own `__init__` may list modules of its packages.
    """
    breaches = [
        f"{place(path, line)} imports {name}; import what {'.'.join(package.parts)} shows, or show it there"
        for path in modules()
        for name, line in imports(path)
        for package in hiding_packages(name)
        if ROOT / package not in path.parents and path != ROOT / package.parts[0] / "__init__.py"
    ]
    assert not breaches, "\n".join(breaches)


def hiding_packages(name: str) -> Iterator[Path]:
    """Yield the package that hides the module in which an imported name is, if one does."""
    parts = name.split(".")
    for length in range(2, len(parts) + 1):
        module, package = Path(*parts[:length]), Path(*parts[: length - 1])
        is_room = length == 2 and parts[0] != "schemas"
        if parts[0] in ROOMS and not is_room and (ROOT / module).with_suffix(".py").exists():
            shown = shown_names(package)
            if shown and not (length == len(parts) and parts[-1] in shown):
                yield package


def shown_names(package: Path) -> set[str]:
    """Return the names that a package's `__init__` imports or defines."""
    names = set()
    for node in ast.parse((ROOT / package / "__init__.py").read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ImportFrom) and node.module != "__future__":
            names |= {alias.asname or alias.name for alias in node.names}
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
    return names


def test_modules_are_imported_by_statements_and_not_by_names_in_strings() -> None:
    """An import in a string is invisible to import-linter and mypy; Alembic and Airflow find files themselves."""
    breaches = [
        f"{place(path, line)} imports {name}"
        for path in modules()
        for name, line in imports(path)
        if name in {"importlib", "importlib.import_module", "runpy"}
    ]
    assert not breaches, "\n".join(breaches)


def test_files_and_folders_have_names_with_a_meaning() -> None:
    assert not [path for path in modules() if MEANINGLESS_NAMES & {path.stem, *path.relative_to(ROOT).parts}]


def test_no_room_compares_with_the_name_of_a_protocol() -> None:
    """What depends on a protocol is a trait in its row of schemas.PROTOCOLS."""
    breaches = [
        f"{place(path, node.lineno)} compares a protocol; give it a trait in schemas/protocols.py"
        for path in modules()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Compare) and any(map(is_protocol, (node.left, *node.comparators)))
    ]
    assert not breaches, "\n".join(breaches)


def is_protocol(node: ast.expr) -> bool:
    """Return whether an expression is `protocol`, `….protocol` or `…["protocol"]`."""
    if isinstance(node, ast.Subscript):
        return isinstance(node.slice, ast.Constant) and node.slice.value == "protocol"
    name = node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""
    return name == "protocol"


def test_few_names_are_public() -> None:
    names = lines = 0
    for path in modules():
        text = path.read_text(encoding="utf-8")
        names += sum(1 for name in defined_names(ast.parse(text)) if not name.startswith("_"))
        lines += text.count("\n")
    assert 100 * names / lines <= MAX_PUBLIC_NAMES, "make private what only its own module uses, or inline it"


def defined_names(tree: ast.Module) -> Iterator[str]:
    """Yield the names of a module's functions, classes and constants."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            yield from (name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name))


def test_few_functions_are_complex() -> None:
    """Cyclomatic complexity, as radon counts it."""
    functions = [
        f"{place(path, block.lineno)} {block.name}: {block.complexity}"
        for path in modules()
        for block in cc_visit(path.read_text(encoding="utf-8"))
        if block.complexity > MAX_COMPLEXITY and block.letter != "C"
    ]
    assert len(functions) <= MAX_COMPLEX_FUNCTIONS, "\n".join(functions)
