select rewrap_subject_key(%(subject)s, %(from)s::bytea, %(wrapped)s::bytea, %(master_key)s)
