select own_slot(%(slot)s::smallint, %(epoch)s::bigint, %(move)s::uuid)
