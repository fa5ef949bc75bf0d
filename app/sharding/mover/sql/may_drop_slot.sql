select may_drop_slot(%(slot)s::smallint, %(move)s::uuid)
