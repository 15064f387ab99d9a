"""How a French name sounds: names of one sound may be spellings of one name (rpps.md 12.2). Pure.

Spellings are replaced in order on the folded word. Capital letters are sounds that no single letter writes: ``S`` the *ch* of
Charles, ``A`` *an* or *en*, ``I`` *in*.
"""

from __future__ import annotations

import re

_DOUBLE = re.compile(r"(.)\1+")
# Plain replacements cost a tenth of patterns: a national file has some 400 000 words.
_SPELLINGS = (
    *(("ph", "f"), ("sch", "S"), ("ch", "S"), ("sh", "S"), ("th", "t"), ("h", "")),
    *(("eau", "o"), ("ault", "o"), ("au", "o")),
    *(("cqu", "k"), ("qu", "k"), ("q", "k"), ("ck", "k"), ("ce", "se"), ("ci", "si"), ("cy", "si"), ("c", "k")),
    *(("ge", "je"), ("gi", "ji"), ("gy", "ji"), ("y", "i"), ("w", "v"), ("bv", "v"), ("fv", "v"), ("z", "s")),
)
_IN = re.compile(r"(?:[ae]i|i)[nm](?=[^aeiouymn]|$)")  # not before what frees the vowel: Maine, Simone
_AN = re.compile(r"[ae][nm](?=[^aeiouymn]|$)")
_SILENT = re.compile(r"(?:es?|[stdxpk]+)$")
SHORTEST = 2  # sounds left: fewer bring together too much, and the word stands for itself


def sound(word: str) -> str:
    """The sound of a folded word; the word itself where there are digits, no Latin letters, or too little is left."""
    if not (word.isascii() and word.isalpha()):
        return word
    made = _DOUBLE.sub(r"\1", word)
    for spelling, said in _SPELLINGS:
        made = made.replace(spelling, said)
    made = _AN.sub("A", _IN.sub("I", made))
    made = _SILENT.sub("", made.replace("ai", "e").replace("ei", "e"))
    return made if len(made) >= SHORTEST else word
