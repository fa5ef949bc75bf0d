insert into projection_generations (projection, generation, state)
select %(projection)s, 1, 'serving'
where not exists (select from projection_generations where projection = %(projection)s)
on conflict do nothing
returning generation
