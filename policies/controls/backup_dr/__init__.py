"""Backup and recovery: what is lost here is found elsewhere."""

from policies import Theme, not_applicable

control = Theme("backup-dr", "Backup and disaster recovery").control

RESTORABLE = {"soc2": ["A1.2", "CC7.5"], "iso27001": ["A.8.13"], "gdpr": ["Art. 32(1)(c)"]}
"""What a backup is evidence for."""

REPLICA = not_applicable("a replica, which its source stands in for")
EXPENDABLE = not_applicable("its environment may be lost")
