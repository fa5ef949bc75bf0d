select
    subject,
    wrapped,
    master_key
from subject_keys
where subject = any(%(subjects)s::text[])
