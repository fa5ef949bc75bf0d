copy (
    select stream, version, total, due, closed
    from streams
    where slot = %(slot)s
)
to stdout (format binary)
