"""The twin of the SAS platform: level-2 handoffs by road A, notifications, appointments (INT_R03).

Written from the SAS specification 10 and 17; nothing national fixes the answers of the platform to a notification nor
the address of its appointments: 200 or 201, and `/fhir/Appointment`, are ours.
"""

from sandbox.sas.twin import SasTwin

__all__ = ["SasTwin"]
