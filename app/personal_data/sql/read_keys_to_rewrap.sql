select
    subject,
    wrapped,
    master_key
from subject_keys
where subject > %(after)s
and master_key <> %(current)s
order by subject
limit %(limit)s
