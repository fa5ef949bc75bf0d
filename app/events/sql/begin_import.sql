select
    number,
    outcome,
    version,
    total
from begin_import(
    %(name)s,
    %(from)s::bigint,
    %(upto)s::bigint,
    %(streams)s::text[],
    %(slots)s::smallint[],
    %(epochs)s::bigint[],
    %(counts)s::bigint[],
    %(sums)s::bigint[],
    %(dues)s::timestamptz[]
)
