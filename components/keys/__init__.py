"""Customer-managed keys: they rotate, they cannot be destroyed at once, and only named services use them."""
