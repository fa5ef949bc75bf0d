select pg_try_advisory_lock(%(moves)s, %(slot)s)
