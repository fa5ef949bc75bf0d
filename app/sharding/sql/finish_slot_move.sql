select outcome, (entry).* from finish_slot_move(%(slot)s::smallint, %(changed)s::bigint)
