"""The twin of the national directory: its public extractions, written from the specification of the files.

Not imitated: the FHIR API of the directory. Guessed, because no source tells: the clock of the stamps (UTC here) and
the values of the column Dématérialisation (O).
"""

from sandbox.rpps.twin import RppsTwin

__all__ = ["RppsTwin"]
