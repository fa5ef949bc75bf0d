"""Measurements: ratios in one run, kept with machine and date."""
