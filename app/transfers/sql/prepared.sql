select
    gid,
    owner = current_user,
    extract(epoch from clock_timestamp() - prepared)::float8
from pg_prepared_xacts
where database = current_database()
