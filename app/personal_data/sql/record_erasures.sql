insert into erasures (subject, erased_at)
select *
from unnest(%(subjects)s::text[], %(times)s::timestamptz[])
on conflict (subject) do nothing
returning subject
