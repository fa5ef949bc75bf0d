select stream, events, last_version, hash
from events_checksum(%(streams)s::text[], %(after)s::bigint[], %(upto)s::bigint[])
