select serve_generation(%(projection)s, %(generation)s)
