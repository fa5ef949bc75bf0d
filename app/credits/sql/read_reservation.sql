select reservation, opened, version, opened_at, expires_at, reserved, captured, held, state
from reservations
where stream = %(stream)s and reservation = %(reservation)s
