select want_abort(%(move)s::uuid, %(wanted)s)
