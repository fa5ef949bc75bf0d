"""What gets the Pulumi engine onto a machine, and what measures."""
