select attempt
from transfer_decisions
where decision = 'commit' and participant = %(participant)s and decided_at < now() - make_interval(secs => %(seconds)s)
order by decided_at
limit %(limit)s
