\set stream random(1, 1000000000000)
insert into like_ours (stream, version, slot, schema_version, change, total, type, data, metadata)
values (
    'pgbench-' || :stream, 1, 1, 1, 100, 100, 'Granted',
    '{"amount":100,"reason":"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}',
    '{}'
);
