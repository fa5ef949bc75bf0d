"""The application: the credits ledger, its data plane, and the decoy API."""
