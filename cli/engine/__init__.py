"""The Pulumi engine as this project runs it."""
