select forget_arrival(%(slot)s::smallint, %(move)s::uuid)
