select generation
from projection_generations
where projection = %(projection)s
and state = 'retired'
order by generation
limit 1
for update
