"""`fortress privacy`: erasure, export, and the keys of persons."""
