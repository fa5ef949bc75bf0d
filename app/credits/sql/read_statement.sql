with place as materialized (
    select
        each.generation,
        coalesce(known.version, 0) as version
    from (select serving_generation('statement') as generation) as each
    left join projection_streams as known
        on known.projection = 'statement'
        and known.generation = each.generation
        and known.stream = %(stream)s
)
-- What is not projected yet comes from the events: a line is there as soon as its change was answered.
(
    select version, recorded_at, type, change, total, data
    from all_events
    where stream = %(stream)s
    and version < %(before)s
    and version > (select version from place)
    order by version desc
    limit %(limit)s
)
union all
(
    select version, recorded_at, type, change, total, data
    from statement_lines
    where generation = (select generation from place)
    and stream = %(stream)s
    and version < %(before)s
    order by version desc
    limit %(limit)s
)
order by version desc
limit %(limit)s
