"""A national-size day of the directory of professionals, and the days after it, invented: exact form, no true person.

    python -m bench.rpps.generate --out DIR --rows 2300000 --seed 7 [--days 2] [--hostile] [--text] [--break half]

Writes into DIR, for each day, ``PS_LibreAcces_<stamp>.zip`` (Personne_activite, SavoirFaire, Dipl_AutExerc: members whose stamp
is older than the ZIP's), ``Extraction_Correspondance_MSSante_<stamp>.zip``, with ``--text`` the plain Personne_activite, and
``truth.json``. The same options give the same bytes, whatever the number of processes.

People: professions in the proportions of France, family names by a Zipf-Mandelbrot law over a million made of syllables and the
common ones, RPPS numbers that begin with 99 but not with 997 (the sandbox's own), always with a valid key unless ``--hostile``.
Places: true communes and post codes, weighted by inhabitants; SIREN, SIRET, FINESS and rank numbers are invented.

The next day: ``--changes`` (0.005) of the persons change (name, move, phone, role, activity begun or ended, student graduated),
some come, some go, half of those gone come back the day after; one large and one ordinary hospital, and a pharmacy, change their
phone on every line; labels of some codes change everywhere and lines come in another order with other duplicates: no change.

``--hostile`` adds every oddity of rpps.md 7 and malformed lines, fewer than the 0.1 % guard. Left out on purpose: empty lines,
and structures without any identifier, about which the rules say nothing.

``truth.json``, one entry of ``days`` a day. ``counts``: lines, rejected, rows = lines - rejected, duplicates = rows equal to
another in every column, persons, exercises (person, profession, category), situations (exercise, structure, mode, role, kind,
section), structures (column 24, else 47), by profession. ``added``, ``removed`` (national ids; ``returned`` is part of added),
``changed``: present on both days with another *set* of rows once the labels of codes are left out, by construction and not by
comparing files. ``waves``: the structures that changed, and how many people of both days work there. ``skills_only``: changed in
SavoirFaire alone, hence not in ``changed``. Persons away on a day stay in SavoirFaire and Dipl_AutExerc, as in true files.

``--break`` writes into DIR/broken one file more, which must be refused: ``truncated`` (the ZIP ends early), ``half`` (of the
lines), ``missing-column`` (24), ``renamed-column`` (10), ``latin-1``. Its stamp is that of the day after the last.
"""
