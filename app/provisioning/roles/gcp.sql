-- Cloud SQL itself makes the role of an IAM user: here it can only be missing.
do $$
begin
    if not exists (select from pg_roles where rolname = current_setting('fortress.role')) then
        raise exception 'Cloud SQL has no IAM user %', current_setting('fortress.role');
    end if;
end
$$;
