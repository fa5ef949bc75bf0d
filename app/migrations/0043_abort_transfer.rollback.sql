drop function abort_transfer(uuid, text);
