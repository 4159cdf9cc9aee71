"""Collect every regular expression of the rooms, and write the texts on which a backtracking one takes longest."""

from __future__ import annotations

import ast
import importlib
import itertools
import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from re import _constants as op  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("harvesters", "transforms", "loaders", "schemas", "pipeline", "commands")
METHODS = frozenset({"match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer"})
REPEATS = (op.MAX_REPEAT, op.MIN_REPEAT, op.POSSESSIVE_REPEAT)
MAX_PATHS = 24  # ways through one expression's alternatives that are followed
COMMON = (" ", "\n", "0", "a", "A", ".", "<", "<!--", "(", "[", "-", ",", "&", '"', "/", "http://", "\u0661", "\u0301")
CATEGORY_SAMPLES = {
    op.CATEGORY_DIGIT: "7",
    op.CATEGORY_NOT_DIGIT: "x",
    op.CATEGORY_SPACE: " ",
    op.CATEGORY_NOT_SPACE: "x",
    op.CATEGORY_WORD: "w",
    op.CATEGORY_NOT_WORD: "-",
}


@dataclass(frozen=True)
class Expression:
    """A regular expression, where it is written, and the methods that it is called by."""

    where: str
    pattern: re.Pattern[Any]
    methods: frozenset[str]


@cache
def expressions() -> list[Expression]:
    """Every compiled pattern of a module, every one written into a call, and every one of the lists."""
    result: dict[tuple[Any, int, frozenset[str]], Expression] = {}
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in _modules()}
    everywhere = _methods_by_name(trees.values())
    for path, tree in trees.items():
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        methods = everywhere | _methods_by_name((tree,))
        for expression in (*_compiled(name, methods), *_inline(name, tree)):
            result.setdefault((expression.pattern.pattern, expression.pattern.flags, expression.methods), expression)
    for expression in _listed():
        result.setdefault((expression.pattern.pattern, expression.pattern.flags, expression.methods), expression)
    return list(result.values())


def _modules() -> list[Path]:
    return [path for room in ROOMS for path in sorted((ROOT / room).rglob("*.py")) if "migrations" not in path.parts]


def _methods_by_name(trees: Iterable[ast.Module]) -> dict[str, set[str]]:
    """The methods that each name is called by, in any module."""
    calls: dict[str, set[str]] = {}
    for tree in trees:
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and node.attr in METHODS:
                owner = node.value.func if isinstance(node.value, ast.Call) else node.value
                owner = owner.value if isinstance(owner, ast.Subscript) else owner
                name = (
                    owner.id if isinstance(owner, ast.Name) else owner.attr if isinstance(owner, ast.Attribute) else ""
                )
                calls.setdefault(name, set()).add(node.attr)
    return calls


def _compiled(module_name: str, calls: dict[str, set[str]]) -> Iterator[Expression]:
    module = importlib.import_module(module_name)
    for name, value in list(vars(module).items()):
        makes = getattr(value, "__module__", None) == module_name and _makes_patterns(value)
        methods = frozenset(calls.get(name, ())) or frozenset({"search"})
        for pattern in _patterns_in(value() if makes else value):
            yield Expression(f"{module_name}.{name}", pattern, methods)


def _makes_patterns(value: object) -> bool:
    """Whether a value is a function without arguments whose result is annotated to hold patterns."""
    function = getattr(value, "__wrapped__", None)
    if function is None or function.__code__.co_argcount:
        return False
    return "re.Pattern" in str(function.__annotations__.get("return", ""))


def _patterns_in(value: object) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, dict):
        yield from _patterns_in(list(value.values()))
    elif isinstance(value, list | tuple | set | frozenset):
        for member in value:
            yield from _patterns_in(member)


def _inline(module_name: str, tree: ast.Module) -> Iterator[Expression]:
    """The patterns written into calls of re's own functions."""
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
            continue
        function, first = node.func, node.args[0]
        if not (isinstance(function.value, ast.Name) and function.value.id == "re" and function.attr in METHODS):
            continue
        if isinstance(first, ast.Constant) and isinstance(first.value, str | bytes):
            flags = sum(
                int(getattr(re, part.attr))
                for argument in (*node.args[1:], *(keyword.value for keyword in node.keywords))
                for part in ast.walk(argument)
                if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name) and part.value.id == "re"
            )
            yield Expression(f"{module_name}:{node.lineno}", re.compile(first.value, flags), frozenset({function.attr}))


def built_at_run_time() -> set[str]:
    """The functions and classes in which a pattern is built, or given to re, that no module's constants hold."""
    places: set[str] = set()
    for path in _modules():
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for scope in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(scope, ast.FunctionDef | ast.ClassDef) and any(map(_builds, ast.walk(scope))):
                places.add(f"{name}.{scope.name}")
    return places


def _builds(node: ast.AST) -> bool:
    """Whether a call compiles a pattern, or gives one to re that is written elsewhere."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args):
        return False
    function = node.func
    if not (isinstance(function.value, ast.Name) and function.value.id in ("re", "regex")):
        return False
    return function.attr == "compile" or (function.attr in METHODS and not isinstance(node.args[0], ast.Constant))


def _listed() -> Iterator[Expression]:
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.toml")):
            for text in _listed_texts(tomllib.loads(path.read_text()), ""):
                yield Expression(path.relative_to(ROOT).as_posix(), re.compile(text), frozenset({"search"}))


def _listed_texts(value: object, key: str) -> Iterator[str]:
    if isinstance(value, dict):
        for name, member in value.items():
            yield from _listed_texts(member, name)
    elif isinstance(value, list):
        for member in value:
            yield from _listed_texts(member, key)
    elif isinstance(value, str) and key in ("pattern", "patterns", "open"):
        yield value


def attacks(pattern: re.Pattern[Any]) -> list[tuple[str, str, str]]:
    """Texts to grow, as (before, repeated, behind): every repeat of the expression pumped, every beginning repeated."""
    parsed = parser.parse(pattern.pattern, pattern.flags & ~re.UNICODE if isinstance(pattern.pattern, bytes) else 0)
    result: dict[tuple[str, str, str], None] = {}
    paths = list(itertools.islice(_paths(parsed, pattern.flags), MAX_PATHS))
    for path in paths:
        before = ""
        for text, repeated in path:
            if repeated:
                for tail in ("", "\x00", "\n\x00"):
                    result[before, text, tail] = None
                result["", before + text, "\x00"] = None
                result["", before + text * 2, "\n\x00"] = None
                result["", before, "\x00"] = None
            before += text
        result["", before, ""] = None
        result["", before[:-1], "\x00"] = None
        pumps = list(dict.fromkeys(text for text, repeated in path if repeated and text))
        for a, b in itertools.pairwise(pumps):
            result["", a + b, "\x00"] = None
    for text in COMMON:
        result["", text, "\x00"] = None
    return [attack for attack in result if attack[1]]


def _paths(nodes: Any, flags: int) -> Iterator[list[tuple[str, bool]]]:
    """Ways through a parsed expression: texts that match its parts, and whether the part may be repeated."""
    choices = [list(itertools.islice(_choices(node, flags), 6)) for node in nodes]
    if not choices:
        yield []
        return
    longest = max(len(ways) for ways in choices)
    # every way of every part once, the other parts at their first way; not the product of all
    for n in range(len(choices)):
        for m in range(len(choices[n]) if n == 0 or longest > 1 else 0):
            if m == 0 and n > 0:
                continue
            yield [step for k, ways in enumerate(choices) for step in (ways[m] if k == n else ways[0])]


def _choices(node: Any, flags: int) -> Iterator[list[tuple[str, bool]]]:  # noqa: C901  # a case for each kind of node
    kind, value = node
    if kind is op.LITERAL:
        yield [(chr(value), False)]
    elif kind is op.NOT_LITERAL:
        yield [("x" if value != ord("x") else "y", False)]
    elif kind is op.ANY:
        yield [("x", False)]
    elif kind is op.IN:
        for text in _samples(value):
            yield [(text, False)]
    elif kind in REPEATS:
        low, high, inner = value
        for way in itertools.islice(_paths(inner, flags), 6):
            text = "".join(part for part, _ in way)
            if high > 12:
                steps = way if any(repeated for _, repeated in way) else []
                yield [*steps, (text, True), *[(text, False)] * (min(low, 4) - 1)]
            elif low:
                yield way * low
            else:
                yield way
                yield []
    elif kind is op.SUBPATTERN:
        yield from _paths(value[-1], flags)
    elif kind is op.ATOMIC_GROUP:
        yield from _paths(value, flags)
    elif kind is op.BRANCH:
        for branch in value[1]:
            yield from itertools.islice(_paths(branch, flags), 3)
    elif kind is op.ASSERT and value[0] > 0:
        for way in itertools.islice(_paths(value[1], flags), 2):
            yield [*way]
    else:  # positions, references, what must not follow
        yield [("", False)]


def _samples(members: Any) -> Iterator[str]:
    negated = bool(members) and members[0][0] is op.NEGATE
    if negated:
        taken = re.compile(_as_set(members[1:]))
        yield from [text for text in ("x", " ", "7", "<", "(", ",") if not taken.match(text)][:3] or ["\u00df"]
        return
    for kind, value in members[:8]:
        if kind is op.LITERAL:
            yield chr(value)
        elif kind is op.RANGE:
            yield chr(value[0])
        elif kind is op.CATEGORY:
            yield CATEGORY_SAMPLES.get(value, "x")


def _as_set(members: Any) -> str:
    parts = []
    names = {
        op.CATEGORY_DIGIT: r"\d",
        op.CATEGORY_NOT_DIGIT: r"\D",
        op.CATEGORY_SPACE: r"\s",
        op.CATEGORY_NOT_SPACE: r"\S",
        op.CATEGORY_WORD: r"\w",
        op.CATEGORY_NOT_WORD: r"\W",
    }
    for kind, value in members:
        if kind is op.LITERAL:
            parts.append(re.escape(chr(value)))
        elif kind is op.RANGE:
            parts.append(f"{re.escape(chr(value[0]))}-{re.escape(chr(value[1]))}")
        elif kind is op.CATEGORY:
            parts.append(names[value])
    return f"[{''.join(parts)}]"


def subject(pattern: re.Pattern[Any], attack: tuple[str, str, str], size: int) -> Any:
    """The text of an attack at a size, as bytes for a pattern of bytes."""
    before, repeated, behind = attack
    text = before + repeated * max(1, size // len(repeated)) + behind
    return text.encode("utf-8", "surrogatepass") if isinstance(pattern.pattern, bytes) else text


def apply(expression: Expression, text: Any) -> None:
    """Use an expression on a whole text as its callers do; where they search, all matches one after the other."""
    for method in expression.methods:
        if method in ("match", "fullmatch"):
            getattr(expression.pattern, method)(text)
        elif method == "search":
            expression.pattern.search(text)
        else:
            for _ in expression.pattern.finditer(text):
                pass


def has_possessive_group(pattern: re.Pattern[Any]) -> bool:
    """Return whether an expression repeats a group possessively or makes one atomic.

    Python before 3.11.5 matches these wrongly where the group can be left in several ways
    (https://github.com/python/cpython/issues/106052); a possessive class of characters is right in every version.
    """
    return _has_possessive_group(parser.parse(pattern.pattern, pattern.flags))


def _has_possessive_group(tree: Any) -> bool:
    single = {op.LITERAL, op.NOT_LITERAL, op.IN, op.ANY, op.CATEGORY}
    for name, argument in tree:
        if name is op.ATOMIC_GROUP:
            return True
        if name is op.POSSESSIVE_REPEAT and not (len(argument[2]) == 1 and argument[2][0][0] in single):
            return True
        if any(map(_has_possessive_group, _parts(argument))):
            return True
    return False


def _parts(argument: Any) -> Iterator[Any]:
    """Yield the expressions inside an operation's argument, at any depth of lists."""
    for part in argument if isinstance(argument, list | tuple) else (argument,):
        if isinstance(part, parser.SubPattern):
            yield part
        elif isinstance(part, list):
            yield from _parts(part)
