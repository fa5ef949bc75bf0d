select claimed.number, claimed.number <= made.worlds as ready
from claim_world(%(caller)s) as claimed (number)
cross join camouflage as made
