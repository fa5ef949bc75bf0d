drop function forget_transfers(uuid[]);
