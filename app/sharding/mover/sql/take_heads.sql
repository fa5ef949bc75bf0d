select take_heads(%(slot)s::smallint, %(move)s::uuid)
