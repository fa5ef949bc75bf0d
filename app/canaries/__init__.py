"""Canary tokens: names that occur only in planted decoys, so each use of one is an intrusion alarm."""
