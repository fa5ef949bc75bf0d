select rebuild_projection(%(projection)s)
