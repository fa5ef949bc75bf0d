select outcome, (entry).* from begin_slot_move(%(slot)s::smallint, %(changed)s::bigint, %(target)s)
