"""What runs on the platform: the credits ledger and its data plane."""
