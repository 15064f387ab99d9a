"""Invented numbers with the keys of true ones (rpps.md 5.2 and 9). Each function gives another number for another index."""

from __future__ import annotations

ROOM = 70_000_000  # RPPS numbers from 99 0… to 99 6…: 997… belongs to the sandbox
STEP = 7_919  # prime to ROOM: neighbours in the file are no neighbours in number
DOUBLED = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def key(digits: str) -> str:
    """The digit that makes ``digits`` pass Luhn; letters of Corsica count A as 1 and B as 2."""
    values = [int(digit) for digit in digits.replace("A", "1").replace("B", "2")]
    return str(-(sum(DOUBLED[value] for value in values[::-2]) + sum(values[-2::-2])) % 10)


def rpps(index: int) -> str:
    body = f"99{(index * STEP + 13) % ROOM:08d}"
    return body + key(body)


def adeli(index: int) -> str:
    """The ``index``-th of at most 950,000: department, profession 93, rank."""
    body = f"{index % 95 + 1:02d}93{index // 95:04d}"
    return body + key(body)


def siret(index: int) -> str:
    siren = f"99{index:06d}"
    body = siren + key(siren) + "0001"
    return body + key(body)


def finess(department: str, index: int, *, legal: bool = False) -> str:
    """``index`` below 500,000; legal entities are fewer: several indexes share one."""
    body = f"{department[:2]}{900_000 + index % 50_000 if legal else 400_000 + index:06d}"
    return body + key(body)


def rank(index: int) -> str:
    """The 14 digits of a structure known to RPPS alone."""
    return f"99{index:012d}"
