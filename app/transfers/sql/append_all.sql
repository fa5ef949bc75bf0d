select request, outcome, version, total
from ({append}) as appended
where require_stored(request, outcome, version, total)
