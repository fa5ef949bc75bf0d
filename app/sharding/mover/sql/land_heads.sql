copy arriving_heads (stream, version, total, due, closed) from stdin (format binary)
