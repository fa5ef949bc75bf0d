drop function projection_lag;
