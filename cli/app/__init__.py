"""`fortress app`: the app's server and database schema."""
