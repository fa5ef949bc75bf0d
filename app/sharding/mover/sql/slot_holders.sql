select distinct coalesce('process ' || held.pid, 'prepared transaction ' || prepared.gid)
from pg_locks as held
-- what holds a prepared transaction's locks has no process: only its lock of its own id tells which it is
left join pg_locks as own
    on held.pid is null
    and own.pid is null
    and own.virtualtransaction = held.virtualtransaction
    and own.locktype = 'transactionid'
left join pg_prepared_xacts as prepared on prepared.transaction = own.transactionid
where held.locktype = 'advisory'
and held.database = (select oid from pg_database where datname = current_database())
and (held.classid, held.objid, held.objsubid) = (1, %(slot)s, 2)
and held.granted
and held.pid is distinct from pg_backend_pid()
order by 1
limit 5
