insert into subject_keys
select *
from arriving_subject_keys
on conflict (subject) do update
set wrapped = excluded.wrapped, master_key = excluded.master_key, erased_at = excluded.erased_at
-- who was forgotten here already stays forgotten
where subject_keys.erased_at is null
