insert into like_ours (stream, version, slot, schema_version, change, total, type, data, metadata)
select *
from unnest(
    %s::text[], %s::bigint[], %s::smallint[], %s::smallint[], %s::bigint[], %s::bigint[], %s::text[], %s::json[], %s::json[]
)
