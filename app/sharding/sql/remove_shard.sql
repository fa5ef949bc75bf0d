select outcome, held from remove_shard(%(shard)s)
