-- The role stands for an Entra principal: by its object id where that is known, else by its name.
do $$
declare
    app_role text := current_setting('fortress.role');
    principal text := current_setting('fortress.principal');
begin
    if exists (select from pg_roles where rolname = app_role) then
        return;
    end if;
    if principal <> '' then
        perform pgaadauth_create_principal_with_oid(app_role, principal, 'service', false, false);
    else
        perform pgaadauth_create_principal(app_role, false, false);
    end if;
end
$$;
