with kept as (
    insert into camouflage_places (place, until)
    values (%(place)s, %(until)s)
    on conflict (place) do nothing
    returning until
)
select until from kept
union all
select until from camouflage_places where place = %(place)s
limit 1
