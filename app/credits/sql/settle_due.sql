select settle_due(%(stream)s, %(version)s, %(due)s)
