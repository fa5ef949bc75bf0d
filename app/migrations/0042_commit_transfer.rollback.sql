drop function commit_transfer(uuid, text);
