"""PostgreSQL on three clouds, alike to its clients: start at `shards`, then one module a cloud."""
