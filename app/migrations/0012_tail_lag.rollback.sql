drop function tail_lag;
