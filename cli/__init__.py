"""The `fortress` command."""
