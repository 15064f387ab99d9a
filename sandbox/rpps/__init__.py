"""The twin of the national directory: its public extractions and its FHIR API, written from their specification.

Guessed, because no source tells: the clock of the stamps (UTC here), the values of the column Dématérialisation (O), the life of
a page of the API (ten minutes), the total told unless `_total=none`, the refusal of an empty parameter, the ids of equipment.
"""

from sandbox.rpps.api.doors import BASE as API_BASE
from sandbox.rpps.api.doors import KEY as API_KEY
from sandbox.rpps.twin import RppsTwin

__all__ = ["API_BASE", "API_KEY", "RppsTwin"]
