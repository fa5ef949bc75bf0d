select abort_transfer(%(attempt)s::uuid, %(participant)s)
