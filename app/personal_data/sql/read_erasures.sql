select
    subject,
    erased_at
from erasures
order by subject
