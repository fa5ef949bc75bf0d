copy (
    select
        event.stream,
        event.version,
        event.slot,
        event.schema_version,
        event.recorded_at,
        event.change,
        event.total,
        event.idempotency_key,
        event.content_hash,
        event.type,
        event.data,
        event.metadata
    from unnest(%(streams)s::text[], %(after)s::bigint[], %(upto)s::bigint[]) as asked (stream, after, upto)
    cross join lateral (
        select *
        from all_events
        where all_events.stream = asked.stream
        and all_events.version > asked.after
        and all_events.version <= asked.upto
    ) as event
)
to stdout (format binary)
