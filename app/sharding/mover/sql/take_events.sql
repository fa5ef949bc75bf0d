select take_events(%(slot)s::smallint, %(move)s::uuid)
