"""The DMP twin: TD0.2, ITI-41 (TD2.1), ITI-18 (TD3.1) and ITI-57 (TD3.3c) of the LPS interface.

Imitation, because no public source tells: subcodes of SOAP faults and their namespace, the code `DMPAccessDenied`, the
status code of a closed DMP, French texts of errors. The CDA is checked by a grammar of our own and by tables; set
SANDBOX_CDA_SCHEMA to the published schema's entry point to have it used as well.
"""

from sandbox.dmp.twin import DmpTwin

__all__ = ["DmpTwin"]
