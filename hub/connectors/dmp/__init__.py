"""Dossier médical partagé: liaison notes pushed as level-1 CDA R2 documents.

Specifications: CI-SIS "Structuration minimale" V1.16.8 for the document, DMP_LPS messages 02.05.00 and IHE ITI (XDS.b, ITI-18,
ITI-41, ITI-57) for the exchange, SAML 2 VIHF in INDIRECTE mode (structure certificates) for who speaks.

Flows: TD0.2 (does the DMP exist and is it open), TD2.1a and TD2.1b (feed, replace), TD3.1 (find the reference of a document),
TD3.3c (delete a document of the structure). Nothing is received from the DMP, so there is no ``inbound.py``.
"""
