"""The one `fortress` command."""
