"""The SAS platform: level-2 handoffs in, outcomes out (Interop SAS 1.2.0 for the common rules; the handoff itself has no national
profile and rests on base FHIR R4, FR Core and the SAS profiles).

Flows here: notification of the coordinating Task to the platform that handed the request over, by its R4 Subscription
(rest-hook with payload, FHIR R4 Subscription); each version of the appointment to the
national platform (INT_R03). What the SAS sends comes in through the FHIR face.
"""
