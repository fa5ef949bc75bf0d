"""The camouflage API: the ledger's own API over accounts that are nobody's, for whoever has no business there."""
