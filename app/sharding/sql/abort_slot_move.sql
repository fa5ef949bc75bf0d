select outcome, (entry).* from abort_slot_move(%(slot)s::smallint, %(changed)s::bigint)
