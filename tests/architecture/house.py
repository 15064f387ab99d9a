"""The sources of the project as the checks see them, and what a rule is made of."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

Finding = tuple[int, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Module:
    """One source file: its dotted name, its text and its tree."""

    name: str
    text: str
    tree: ast.Module

    @property
    def lines(self) -> int:
        return len(self.text.splitlines())


def module(name: str, text: str) -> Module:
    return Module(name=name, text=text, tree=ast.parse(text))


@cache
def modules(package: str) -> Sequence[Module]:
    """Every module of a package, in order of name."""
    files = sorted((ROOT / package).rglob("*.py"))
    return tuple(module(_dotted(file), file.read_text(encoding="utf-8")) for file in files)


def _dotted(file: Path) -> str:
    parts = file.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """``find`` yields the line and the words of each fault in a module. ``allowed``: patterns of the modules that may, with
    their reason beside them. ``broken``: a source that breaks the rule, so that the rule itself is tested.
    """

    name: str
    find: Callable[[Module], Iterator[Finding]]
    broken: str
    packages: Sequence[str] = ("hub",)
    allowed: Sequence[str] = ()

    def permits(self, name: str) -> bool:
        return any(fnmatchcase(name, pattern) for pattern in self.allowed)

    def faults(self, sources: Sequence[Module]) -> list[str]:
        """``module:line what`` for every fault in modules that are not allowed to."""
        return [
            f"{one.name}:{line} {what}"
            for one in sources
            if not self.permits(one.name)
            for line, what in self.find(one)
        ]


def dotted(node: ast.expr) -> str:
    """``a.b.c`` of an attribute chain; empty when it is anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return ""


def imports(tree: ast.AST) -> Iterator[tuple[int, str, str]]:
    """Line, full dotted name, and the name it has in the module, of every import."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield node.lineno, alias.name, alias.asname or alias.name
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                yield node.lineno, f"{node.module}.{alias.name}", alias.asname or alias.name


def calls(tree: ast.AST) -> Iterator[tuple[ast.Call, str]]:
    """Every call, with the dotted name called."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield node, dotted(node.func)


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def classes(tree: ast.AST) -> Iterator[ast.ClassDef]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield node


def first_sentence(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> str:
    return (ast.get_docstring(node) or "").strip()
