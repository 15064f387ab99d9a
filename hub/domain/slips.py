"""Words that one slip of a finger makes of another: a letter too many, too few, another one, or two turned round. Pure."""

from __future__ import annotations

from string import ascii_lowercase

SHORTEST, LONGEST = 4, 24  # letters of a word: shorter ones are near too many others, no longer one is typed by hand


def slips(word: str) -> frozenset[str]:
    """All words at one slip from a folded word (Damerau and Levenshtein's distance of one): some fifty for each letter. Empty for a
    word too short or too long."""
    if not SHORTEST <= len(word) <= LONGEST:
        return frozenset()
    halves = [(word[:place], word[place:]) for place in range(len(word) + 1)]
    made = {left + right[1:] for left, right in halves if right}
    made |= {left + right[1] + right[0] + right[2:] for left, right in halves if len(right) > 1}
    made |= {left + letter + right[1:] for left, right in halves if right for letter in ascii_lowercase}
    made |= {left + letter + right for left, right in halves for letter in ascii_lowercase}
    return frozenset(made - {word})
