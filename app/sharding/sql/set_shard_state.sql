select outcome, held from set_shard_state(%(shard)s, %(state)s)
