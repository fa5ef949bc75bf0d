select archive_events(%(stream)s, %(limit)s)
