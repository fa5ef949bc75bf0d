"""PostgreSQL servers as real bodies of the database resources of three clouds."""
