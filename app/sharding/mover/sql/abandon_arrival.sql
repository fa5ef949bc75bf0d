select abandon_arrival(%(slot)s::smallint, %(move)s::uuid)
