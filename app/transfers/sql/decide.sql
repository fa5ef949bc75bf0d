select
    request,
    outcome,
    version,
    total,
    case when outcome = 'stored' then commit_transfer(%(attempt)s::uuid, %(participant)s) end
from ({append}) as appended
