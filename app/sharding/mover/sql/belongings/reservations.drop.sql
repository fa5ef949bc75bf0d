delete from reservations where slot = %(slot)s
