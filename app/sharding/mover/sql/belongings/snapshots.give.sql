copy (
    select *
    from snapshots
    where stream = any(%(streams)s::text[])
)
to stdout (format binary)
