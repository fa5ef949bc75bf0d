"""`fortress ledger`: accounts and their credits."""
