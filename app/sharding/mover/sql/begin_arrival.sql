select begin_arrival(%(slot)s::smallint, %(epoch)s::bigint, %(source)s, %(move)s::uuid)
