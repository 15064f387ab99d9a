"""Rules of manners: size, names, honesty of the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.architecture.house import Finding, Module, Rule, classes, dotted, functions, imports

MODULE_LINES = 400
SOFT_MODULE_LINES = 300
FUNCTION_LINES = 40
POSITIONAL = 5
EMPTY_WORDS = {"Manager", "Helper", "Util", "Utils", "Service", "Base", "Abstract"}
UNFINISHED = re.compile(
    r"\b(TODO|FIXME|XXX|HACK|NotImplementedError|not implemented|placeholder|for now|simplif(?:y|ied) version)\b", re.I
)
BROAD = {"Exception", "BaseException"}


def long_modules(source: Module) -> Iterator[Finding]:
    if source.lines > MODULE_LINES:
        yield source.lines, f"has {source.lines} lines, over {MODULE_LINES}"


def long_functions(source: Module) -> Iterator[Finding]:
    """Lines of the body: signature and docstring explain, and do not count."""
    for node in functions(source.tree):
        body = node.body[1:] if ast.get_docstring(node) else node.body
        length = (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0
        if length > FUNCTION_LINES:
            yield node.lineno, f"{node.name} has {length} lines, over {FUNCTION_LINES}"


def many_parameters(source: Module) -> Iterator[Finding]:
    for node in functions(source.tree):
        given = [one.arg for one in (*node.args.posonlyargs, *node.args.args) if one.arg not in ("self", "cls")]
        if len(given) > POSITIONAL:
            yield node.lineno, f"{node.name} has {len(given)} positional parameters, over {POSITIONAL}"


def empty_names(source: Module) -> Iterator[Finding]:
    for node in classes(source.tree):
        for word in EMPTY_WORDS.intersection(re.findall(r"[A-Z][a-z0-9]*", node.name)):
            yield node.lineno, f"{node.name}: {word} says nothing"


def inheritance(source: Module) -> Iterator[Finding]:
    """A class with behaviour of its own that inherits from another such class of ours."""
    plain = {node.name for node in classes(source.tree) if not node.bases}
    for node in classes(source.tree):
        for base in node.bases:
            if dotted(base) in plain:
                yield node.lineno, f"{node.name} inherits from {dotted(base)}"


def broad_excepts(source: Module) -> Iterator[Finding]:
    """Handlers of everything; one that raises again at its end cleans up and hides nothing."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.ExceptHandler):
            caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            last = node.body[-1]
            again = isinstance(last, ast.Raise) and last.exc is None
            if not again and any(one is None or dotted(one) in BROAD for one in caught):
                yield node.lineno, "catches everything"


def suppressed(source: Module) -> Iterator[Finding]:
    for node in ast.walk(source.tree):
        if not isinstance(node, ast.Call) or not dotted(node.func).endswith("suppress"):
            continue
        if any(dotted(one) in BROAD for one in node.args):
            yield node.lineno, "suppresses everything"


def unfinished(source: Module) -> Iterator[Finding]:
    for number, line in enumerate(source.text.splitlines(), 1):
        for word in UNFINISHED.findall(line):
            yield number, f"says {word!r}"


def silent_modules(source: Module) -> Iterator[Finding]:
    is_empty = not source.tree.body
    if not is_empty and not ast.get_docstring(source.tree):
        yield 1, "does not say what it is for"


def printing(source: Module) -> Iterator[Finding]:
    for line, name, _ in imports(source.tree):
        if name == "logging" or name.startswith("logging."):
            yield line, "logs beside hub.log"
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and dotted(node.func) == "print":
            yield node.lineno, "prints"


BOTH = ("hub", "sandbox")
MIGRATIONS = "hub.storage.migrations.versions.*"  # written once by alembic, read by nobody

RULES = (
    Rule(
        name="modules are short",
        find=long_modules,
        packages=BOTH,
        allowed=(MIGRATIONS,),
        broken="x = 1\n" * (MODULE_LINES + 1),
    ),
    Rule(
        name="functions are short",
        find=long_functions,
        packages=BOTH,
        allowed=(MIGRATIONS,),
        broken="def act():\n" + "    x = 1\n" * (FUNCTION_LINES + 1),
    ),
    Rule(
        name="few positional parameters",
        find=many_parameters,
        packages=BOTH,
        allowed=("hub.cli*",),  # one per option: typer reads them by name
        broken="def act(a, b, c, d, e, f): ...\n",
    ),
    Rule(name="names say something", find=empty_names, packages=BOTH, broken="class RequestManager: ...\n"),
    Rule(
        name="no inheritance of our own",
        find=inheritance,
        packages=BOTH,
        broken="class Connector:\n    x = 1\n\nclass Sas(Connector): ...\n",
    ),
    Rule(
        name="only the outermost loops catch everything",
        find=broad_excepts,
        allowed=("hub.worker", "hub.fhir.app"),  # the two there may be
        broken="try:\n    x = 1\nexcept (ValueError, Exception):\n    x = 2\n",
    ),
    Rule(
        name="nothing is suppressed wholesale",
        find=suppressed,
        packages=BOTH,
        broken="import contextlib\nwith contextlib.suppress(Exception):\n    x = 1\n",
    ),
    Rule(
        name="nothing is left unfinished",
        find=unfinished,
        packages=BOTH,
        allowed=("hub.connectors.dmp.vihf",),  # the Id that signxml looks for in a template
        broken="x = 1  # TODO: the rest\n",
    ),
    Rule(name="modules say what they are for", find=silent_modules, packages=BOTH, broken="x = 1\n"),
    Rule(
        name="one way to log",
        find=printing,
        # log is that way; front, the generators and the verbs are commands with a terminal
        allowed=("hub.log", "hub.web.front", "hub.codes.*", "hub.r4.definitions.*", "hub.verbs.*"),
        broken="print('accepted')\n",
    ),
)
