select hold_arrival(%(slot)s::smallint, %(move)s::uuid)
