"""Synthetic data against its peers: one module for each group of rows."""
