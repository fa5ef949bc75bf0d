-- Detections of canary tokens.

-- name: read_detections
select data
from all_events
where stream like ':canary/%%' and recorded_at > now() - make_interval(days => :days)
order by recorded_at desc
