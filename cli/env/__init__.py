"""`fortress env`: environments up, down, previewed and compared."""
