select
    subject,
    owned,
    destroyed
from erase_subjects(%(subjects)s::text[], %(slots)s::smallint[], %(times)s::timestamptz[])
