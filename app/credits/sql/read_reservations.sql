select reservation, opened, version, opened_at, expires_at, reserved, captured, held, state
from reservations
where stream = %(stream)s and opened < %(before)s
order by opened desc
limit %(limit)s
