"""The national directory of professionals: its public extractions (Annuaire Santé, DSFT Extractions V2.3.1, PS_LibreAcces).

One flow in: HEAD says which extraction is published, GET brings its ZIP, which is read in one pass and replaces the directory that
is served, in one transaction. A file on disk or on standard input is read the same way. Between two nights, the FHIR API (guide
ans.fhir.fr.annuaire 1.1.0) tells who changed, where a key is given.
"""
