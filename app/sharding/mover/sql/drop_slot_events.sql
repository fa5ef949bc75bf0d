select drop_slot_events(%(slot)s::smallint, %(move)s::uuid, %(limit)s)
