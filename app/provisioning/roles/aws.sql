-- Members of rds_iam log in with IAM tokens only.
do $$
declare
    app_role text := current_setting('fortress.role');
begin
    if not exists (select from pg_roles where rolname = app_role) then
        execute format('create role %I login', app_role);
    end if;
    if not pg_has_role(app_role, 'rds_iam', 'member') then
        execute format('grant rds_iam to %I', app_role);
    end if;
end
$$;
