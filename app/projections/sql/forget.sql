delete from projection_generations
where projection = %(projection)s
and generation = %(generation)s
