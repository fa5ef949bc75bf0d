select data
from all_events
where stream like ':canary/%%' and recorded_at > now() - make_interval(days => %(days)s)
order by recorded_at desc
