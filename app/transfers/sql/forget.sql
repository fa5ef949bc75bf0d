select forget_transfers(%(attempts)s::uuid[])
