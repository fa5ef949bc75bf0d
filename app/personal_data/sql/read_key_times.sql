select
    created_at,
    erased_at
from subject_keys
where subject = %(subject)s
