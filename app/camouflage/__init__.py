"""The camouflage API: a decoy that answers intruders with the ledger's own API over decoy accounts."""
