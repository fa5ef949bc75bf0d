select stream
from streams
-- what begins with a colon is no account
where position('/' in stream) > 1 and stream !~ '^:'
