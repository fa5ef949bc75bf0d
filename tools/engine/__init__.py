"""The real Pulumi engine, wherever the machine is."""
