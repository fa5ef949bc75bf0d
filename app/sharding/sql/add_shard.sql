select outcome, held from add_shard(%(shard)s)
