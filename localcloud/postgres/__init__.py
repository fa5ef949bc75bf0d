"""PostgreSQL servers as emulators of the database resources of three clouds."""
