insert into statement_lines (generation, stream, version, slot, recorded_at, type, change, total, data)
select %(generation)s, stream, version, slot, recorded_at, type, change, total, data
from unnest(
    %(streams)s::text[],
    %(versions)s::bigint[],
    %(slots)s::smallint[],
    %(times)s::timestamptz[],
    %(types)s::text[],
    %(changes)s::bigint[],
    %(totals)s::bigint[],
    %(data)s::json[]
) as line (stream, version, slot, recorded_at, type, change, total, data)
on conflict (generation, stream, version) do nothing
