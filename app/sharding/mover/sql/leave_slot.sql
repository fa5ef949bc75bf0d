select leave_slot(%(slot)s::smallint, %(move)s::uuid)
