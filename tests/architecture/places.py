"""Rules of place: what may be written in one module only."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Sequence

from tests.architecture.house import Finding, Module, Rule, calls, dotted, imports

Find = Callable[[Module], Iterator[Finding]]


def importing(*packages: str) -> Find:
    """Imports of these packages, by statement or by name in a string (``import_module("fhir.resources...")``)."""

    def named(name: str) -> bool:
        return any(name == package or name.startswith(f"{package}.") for package in packages)

    def find(source: Module) -> Iterator[Finding]:
        for line, name, _ in imports(source.tree):
            if named(name):
                yield line, f"imports {name}"
        for call, name in calls(source.tree):
            given = call.args[0] if call.args else None
            if name.endswith("import_module") and named(_beginning(given)):
                yield call.lineno, f"imports {_beginning(given)}"

    return find


def _beginning(node: ast.expr | None) -> str:
    """The constant beginning of a string, f-string or not."""
    if isinstance(node, ast.JoinedStr) and node.values:
        node = node.values[0] if isinstance(node.values[0], ast.Constant) else None
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def calling(*names: str) -> Find:
    """Calls whose dotted name ends with one of these."""

    def find(source: Module) -> Iterator[Finding]:
        for call, name in calls(source.tree):
            if any(name == wanted or name.endswith(f".{wanted}") for wanted in names):
                yield call.lineno, f"calls {name}"

    return find


def reading(*names: str) -> Find:
    """Uses of these dotted names, called or not."""

    def find(source: Module) -> Iterator[Finding]:
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Attribute) and dotted(node) in names:
                yield node.lineno, f"uses {dotted(node)}"
        for line, name, _ in imports(source.tree):
            if name in names:
                yield line, f"imports {name}"

    return find


def from_module(owner: str, members: Sequence[str]) -> Find:
    """Uses of members of one of our modules, whatever name it was imported under."""

    def find(source: Module) -> Iterator[Finding]:
        aliases = {alias for _, name, alias in imports(source.tree) if name == owner}
        for line, name, _ in imports(source.tree):
            if name in {f"{owner}.{member}" for member in members}:
                yield line, f"imports {name}"
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Attribute) and node.attr in members and dotted(node.value) in aliases:
                yield node.lineno, f"uses {dotted(node)}"

    return find


RULES = (
    Rule(
        name="only the session commits",
        find=calling("commit", "rollback", "begin_nested"),
        allowed=("hub.storage.session", "hub.storage.migrations.env"),
        broken="async def act(session):\n    await session.commit()\n",
    ),
    Rule(
        name="SQL stays in storage",
        find=lambda source: (
            # the names of its troubles may be met anywhere: a database that is away is everybody's business
            found
            for found in importing("sqlalchemy", "psycopg", "alembic")(source)
            if not found[1].startswith("imports sqlalchemy.exc.")
        ),
        allowed=("hub.storage.*", "hub.observe"),  # observe: one SELECT 1, the health of the database
        broken="from sqlalchemy import select\n",
    ),
    Rule(
        name="one clock",
        find=calling(
            "datetime.now",
            "datetime.utcnow",
            "datetime.today",
            "date.today",
            "time.time",
            "time.time_ns",
            "time.localtime",
            "time.gmtime",
            "time.ctime",
        ),
        allowed=("hub.clock",),
        broken="import datetime\nnow = datetime.datetime.now()\n",
    ),
    Rule(
        name="one reader of the environment",
        find=reading("os.environ", "os.getenv", "os.putenv"),
        # dev and stack give the processes they start the environment that they shall read
        allowed=("hub.settings", "hub.verbs.dev", "hub.verbs.stack"),
        broken="from os import environ\nimport os\nname = os.getenv('HOME')\n",
    ),
    Rule(
        name="settings are read by the composition floor only",
        find=importing("hub.settings"),
        allowed=("hub.settings", "hub.composition", "hub.app", "hub.doors", "hub.cli*", "hub.verbs.*"),
        broken="from hub.settings import load\n",
    ),
    Rule(
        name="one importer of fhir.resources",
        find=importing("fhir", "fhir_core"),
        allowed=("hub.r4.resources",),
        broken="from importlib import import_module\nmodel = import_module(f'fhir.resources.R4B.{1}')\n",
    ),
    Rule(
        name="who may look as the hub itself",
        find=calling("Viewer.hub"),
        allowed=(
            "hub.workflows.*",  # timers and what nobody in particular does
            "hub.connectors.*",  # what is sent is read for the addressee, cut by the rules of the national service
            "hub.verbs.*",  # the person at the command line
            "hub.web.sign_in",  # before anybody has signed in, the trace says who tried
        ),
        broken="viewer = Viewer.hub()\n",
    ),
    Rule(
        name="uncut records are for workflows",
        find=from_module("hub.storage.resources", ("lock", "peek", "of_request", "of_patient", "find", "ids")),
        allowed=(
            "hub.workflows.*",
            "hub.storage.*",
            "hub.connectors.*.outbound",  # what leaves is chosen there, by the rules of the service it goes to
            "hub.connectors.dmp.gather",  # the reading half of dmp.outbound
            "hub.verbs.seed",  # whether what it is about to make is there
            "hub.fhir.commands",  # before and after of a client's change: the comparison that finds the move
            "hub.fhir.subscriptions",  # locks the client's own row, which has no outline
            "hub.fhir.interactions.update",  # If-None-Exist and conditional updates count matches, then read for the viewer
        ),
        broken="from hub.storage import resources as kept\n\nasync def show(session):\n    await kept.peek(session, 'Task', '1')\n",
    ),
    Rule(
        name="pages write nothing themselves",
        find=from_module("hub.storage.resources", ("create", "save", "delete")),
        packages=("hub/web", "hub/connectors"),
        broken="from hub.storage import resources\n\nasync def act(s, v, r):\n    await resources.save(s, v, r)\n",
    ),
)
