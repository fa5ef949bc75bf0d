select end_departure(%(move)s::uuid, %(step)s)
