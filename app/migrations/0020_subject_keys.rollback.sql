do $$
begin
    if exists (select from subject_keys) then
        raise exception 'there are keys, and what they sealed would be lost';
    end if;
end
$$;

drop table subject_keys;

drop function refuse_to_revive_subject();
