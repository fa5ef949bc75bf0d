select found.*
from (
    select from slots where slot = %(slot)s and epoch = %(epoch)s and state = 'owned'
) as place
left join lateral (
    select true, answer.*
    from (
        -- the statement
    ) as answer
) as found on true
