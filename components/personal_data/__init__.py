"""Where erasures of persons are logged: out of reach of every restore, and of whoever writes there."""
