drop function rebuild_projection;

drop function serve_generation;

drop function serving_generation;
