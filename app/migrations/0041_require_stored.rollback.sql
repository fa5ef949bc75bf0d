drop function require_stored(integer, text, bigint, bigint);
