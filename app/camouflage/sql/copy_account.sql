select outcome, epoch
from copy_account(%(account)s, %(stream)s, %(hash)s, %(slot)s::smallint, %(epoch)s)
