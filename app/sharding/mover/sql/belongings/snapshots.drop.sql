delete from snapshots
using streams
where streams.stream = snapshots.stream
and streams.slot = %(slot)s
