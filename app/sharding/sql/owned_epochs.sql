select slot, epoch
from slots
where state = 'owned'
