"""`fortress data`: synthetic data."""
