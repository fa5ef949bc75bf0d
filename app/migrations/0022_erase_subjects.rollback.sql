do $$
begin
    if exists (select from erasures) then
        raise exception 'there are erasures, and a restore could not repeat them';
    end if;
end
$$;

drop table erasures;

drop function erase_subjects;
