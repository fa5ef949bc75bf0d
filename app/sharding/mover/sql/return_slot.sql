select return_slot(%(slot)s::smallint, %(move)s::uuid)
