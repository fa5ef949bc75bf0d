select outcome, (entry).* from end_slot_move(%(slot)s::smallint, %(changed)s::bigint, %(arrived)s)
