"""`fortress dev`: tools for work on this machine."""
