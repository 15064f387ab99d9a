"""One publication: the ZIP with its stamped name, and the same files spoiled on demand."""

import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from sandbox.faults import Fault, Faults
from sandbox.rpps import extraction
from sandbox.rpps.days import Directory

DIRECTORY = "PS_LibreAcces"
ACTIVITY = "PS_LibreAcces_Personne_activite"
MAILBOXES = "Extraction_Correspondance_MSSante"
MADE_BEFORE = timedelta(hours=2, minutes=49)  # members are older than the ZIP that carries them
REQUIRED = "Code commune (coord. structure)"
RENAMED = "Libellé rôle=Libellé fonction"
BROKEN = "8|99799999991|899799999991|ligne|sans|toutes|ses|colonnes\n"
LABEL = "Libéral=Libéral, indépendant, artisan, commerçant"
LASTING = ("no-publication", "ranges", "expired-certificate")  # taken elsewhere than in a download
BOMB, CHUNK = 300, 1_000_000  # megabytes of spaces

# What a visitor may ask to go wrong in the next download, in the order in which it is done.
NAMED = {
    "no-publication": "aucune publication nouvelle (valeur : nombre de jours), sans valeur jusqu’à l’arrêt",
    "ranges": "honore les reprises de téléchargement (Range), jusqu’à l’arrêt",
    "expired-certificate": "certificat périmé, à la prochaine connexion",
    "cut-midway": "coupe la ligne au milieu du fichier",
    "drip": "envoie le fichier au compte-gouttes",
    "member-missing": "un fichier manque dans le ZIP (valeur : son préfixe)",
    "column-missing": "une colonne manque (valeur : son titre)",
    "column-renamed": "une colonne change de titre (valeur : ancien=nouveau)",
    "column-extra": "une colonne de plus",
    "label-renamed": "un libellé change partout (valeur : ancien=nouveau)",
    "half": "la moitié des lignes",
    "broken-lines": "des lignes au mauvais nombre de colonnes",
    "trailing-pipe": "une barre de plus à la fin de chaque ligne",
    "crlf": "fins de ligne CRLF",
    "bom": "marque d’ordre des octets en tête",
    "latin-1": "encodage Latin-1",
    "bomb": "un membre démesuré",
    "truncated": "ZIP tronqué",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Publication:
    """The directory of one day and the moment it was published (UTC, whole minutes)."""

    directory: Directory
    at: datetime

    @property
    def stamp(self) -> str:
        return f"{self.at:%Y%m%d%H%M}"

    def name(self, extraction_name: str) -> str:
        return f"{extraction_name}_{self.stamp}.zip"


def texts(publication: Publication, extraction_name: str) -> dict[str, str]:
    """Member name -> text; the members of PS_LibreAcces are named by their own, older stamp."""
    people = list(publication.directory.people.values())
    stamp = f"{publication.at - MADE_BEFORE:%Y%m%d%H%M}"
    if extraction_name == MAILBOXES:
        return {f"{MAILBOXES}_{stamp}.txt": extraction.mailboxes(people)}
    made = extraction.MEMBERS.items()
    return {f"{prefix}_{stamp}.txt": write(people, publication.directory.day) for prefix, write in made}


def take(faults: Faults) -> dict[str, Fault]:
    """The faults of this download; one call of each is used up. Those that are no matter of one download stay."""
    taken = {kind: faults.take(kind) for kind in NAMED if kind not in LASTING}
    return {kind: fault for kind, fault in taken.items() if fault is not None}


def archive(members: Mapping[str, str], faults: Mapping[str, Fault]) -> bytes:
    """The ZIP, with the faults of this download in it; the same bytes for the same arguments."""
    first = next(iter(members))
    spoiled = dict(members)
    for kind, spoil in SPOIL.items():
        if kind in faults:
            spoiled[first] = spoil(spoiled[first], faults[kind].value)
    if "member-missing" in faults:
        prefix = faults["member-missing"].value or first
        spoiled = {name: text for name, text in spoiled.items() if not name.startswith(prefix)}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archived:
        for name, text in spoiled.items():
            archived.writestr(_dated(name), _encoded(text, faults))
        if "bomb" in faults:
            with archived.open(_dated(f"{ACTIVITY}_999999999999.txt"), "w") as member:
                for _ in range(BOMB):
                    member.write(b" " * CHUNK)
    whole = packed.getvalue()
    return whole[: len(whole) * 2 // 3] if "truncated" in faults else whole


def _dated(name: str) -> zipfile.ZipInfo:
    """A fixed date, so that the bytes depend on the content alone."""
    entry = zipfile.ZipInfo(name, date_time=(2026, 1, 1, 0, 0, 0))
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


def _encoded(text: str, faults: Mapping[str, Fault]) -> bytes:
    encoded = text.encode("latin-1", "replace") if "latin-1" in faults else text.encode("utf-8")
    return b"\xef\xbb\xbf" + encoded if "bom" in faults else encoded


def _each_line(change: Callable[[str], str], text: str, value: str = "") -> str:
    return "".join(f"{change(line)}\n" for line in text.split("\n")[:-1])


def _without_column(text: str, value: str) -> str:
    """A title that the file has not leaves it as it is."""
    header = text.split("\n", 1)[0].split("|")
    title = value or REQUIRED
    if title not in header:
        return text
    place = header.index(title)

    def cut(line: str) -> str:
        cells = line.split("|")
        return "|".join(cells[:place] + cells[place + 1 :])

    return _each_line(cut, text)


def _renamed(text: str, value: str) -> str:
    old, _, new = (value or RENAMED).partition("=")
    header, rest = text.split("\n", 1)
    return "|".join(new if cell == old else cell for cell in header.split("|")) + "\n" + rest


def _relabelled(text: str, value: str) -> str:
    old, _, new = (value or LABEL).partition("=")
    return text.replace(f"|{old}|", f"|{new}|")


def _half(text: str, value: str) -> str:
    header, *lines = text.split("\n")[:-1]
    return "\n".join([header, *lines[: len(lines) // 2], ""])


def _extra(text: str, value: str) -> str:
    header, rest = text.split("\n", 1)
    return f"{header}|{value or 'Colonne nouvelle'}\n" + _each_line(lambda line: f"{line}|nouveau", rest)


SPOIL: dict[str, Callable[[str, str], str]] = {
    "column-missing": _without_column,
    "column-renamed": _renamed,
    "column-extra": _extra,
    "label-renamed": _relabelled,
    "half": _half,
    "broken-lines": lambda text, value: text + BROKEN * 3,
    "trailing-pipe": partial(_each_line, lambda line: f"{line}|"),
    "crlf": partial(_each_line, lambda line: f"{line}\r"),
}
