copy (
    select *
    from subject_keys
    where slot = %(slot)s
)
to stdout (format binary)
