drop function add_shard;

drop function set_shard_state;

drop function remove_shard;
