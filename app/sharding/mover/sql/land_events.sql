copy arriving_events from stdin (format binary)
