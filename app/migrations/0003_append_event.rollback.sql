drop function append_event(text, text, json, json, bigint, text, bigint);
