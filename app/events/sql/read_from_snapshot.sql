select
    version,
    null as type,
    schema_version,
    state::text as data
from snapshots
where stream = %(stream)s
and schema_version = %(schema_version)s
union all
select
    version,
    type,
    schema_version,
    data::text
from all_events
where stream = %(stream)s
and version > coalesce(
    (
        select version
        from snapshots
        where stream = %(stream)s
        and schema_version = %(schema_version)s
    ),
    0
)
order by version
limit %(rows)s
