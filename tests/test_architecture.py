"""The house keeps its shape: imports only downwards, airflow only on the top floor, no circles, small files."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = {
    "schemas": set(),
    "harvesters": {"schemas"},
    "transforms": {"schemas"},
    "loaders": {"schemas"},
    "pipeline": {"schemas", "harvesters", "transforms", "loaders"},
    "dags": {"schemas", "pipeline"},
    "commands": {"schemas", "harvesters", "transforms", "loaders", "pipeline", "dags", "samples"},
    "samples": {"schemas"},
}
TOP_FLOOR = {"dags", "commands"}
OURS = set(ROOMS) | TOP_FLOOR
UNWANTED_NAMES = {"utils", "helpers", "common", "misc"}


def modules(room: str) -> list[Path]:
    """The room's files; its `__main__.py` belongs to the commands, and migrations are Alembic's."""
    paths = sorted((ROOT / room).rglob("*.py"))
    return [path for path in paths if "versions" not in path.parts and path.name != "__main__.py"]


def imports(path: Path) -> Iterator[str]:
    """The full dotted name of everything that a file imports, wherever in the file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.relative_to(ROOT)}:{node.lineno} imports relatively; write the full name"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def top(name: str) -> str:
    return name.split(".", maxsplit=1)[0]


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_imports_only_what_lies_below_it(room: str) -> None:
    allowed = ROOMS[room] | {room}
    breaches = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules(room)
        for name in imports(path)
        if top(name) in OURS and top(name) not in allowed
    ]
    assert not breaches, "\n".join(breaches)


@pytest.mark.parametrize("room", [room for room in ROOMS if room not in TOP_FLOOR])
def test_only_the_top_floor_imports_airflow(room: str) -> None:
    assert not [path for path in modules(room) if any(top(name) == "airflow" for name in imports(path))]


@pytest.mark.parametrize("room", ["schemas", "transforms"])
def test_what_is_pure_opens_no_socket_and_no_store(room: str) -> None:
    sockets_and_stores = {"httpx", "requests", "socket", "urllib3", "sqlalchemy", "logging", "sqlite3"}
    breaches = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules(room)
        for name in imports(path)
        if top(name) in sockets_and_stores and not (name.startswith("logging") and path.name.startswith("gate"))
    ]
    assert not breaches, "\n".join(breaches)


def test_no_module_imports_itself_in_a_circle() -> None:
    graph = {module_name(path): set(our_modules(path)) for room in ROOMS for path in modules(room)}
    finished: set[str] = set()

    def walk(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " → ".join([*trail[trail.index(name) :], name])
        if name not in finished:
            for below in sorted(graph.get(name, ())):
                walk(below, (*trail, name))
            finished.add(name)

    for name in sorted(graph):
        walk(name, ())


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def our_modules(path: Path) -> Iterator[str]:
    """The modules of ours that a file needs when it is imported: those of its top level, its own package apart."""
    me = module_name(path)
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        names = imports_of(node)
        for name in names:
            found = existing(name)
            if found and found != me and not (path.name == "__init__.py" and found.startswith(me + ".")):
                yield found


def imports_of(node: ast.stmt) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [f"{node.module}.{alias.name}" for alias in node.names]
    return []


def existing(name: str) -> str | None:
    """The module that an imported name lies in, when it is one of ours."""
    if top(name) not in ROOMS:
        return None
    for candidate in (name, name.rpartition(".")[0]):
        path = ROOT.joinpath(*candidate.split("."))
        if path.with_suffix(".py").exists():
            return candidate
        if (path / "__init__.py").exists():
            return candidate
    return None


def test_rooms_have_names_that_say_something() -> None:
    named = [path for room in ROOMS for path in modules(room) if path.stem in UNWANTED_NAMES]
    folders = [path for room in ROOMS for name in UNWANTED_NAMES for path in (ROOT / room).rglob(name)]
    assert not named + folders


def test_no_room_compares_with_the_name_of_a_protocol() -> None:
    """What depends on a protocol is a trait in its row of schemas.PROTOCOLS."""
    breaches = [
        f"{path.relative_to(ROOT)}:{node.lineno} compares a protocol; give it a trait in schemas/protocols.py"
        for room in ROOMS
        for path in modules(room)
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


def test_modules_are_imported_by_statements_and_not_by_names_in_strings() -> None:
    """An import in a string is invisible to the tests above and to mypy; Alembic and Airflow find files themselves."""
    breaches = [
        f"{path.relative_to(ROOT)} imports {name}"
        for room in ROOMS
        for path in modules(room)
        for name in imports(path)
        if name in {"importlib", "importlib.import_module", "runpy"}
    ]
    assert not breaches, "\n".join(breaches)
