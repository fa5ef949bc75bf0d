"""`fortress events`: care for stored events."""
