-- Begins a new generation beside the one that serves; the number of the one that is built, where there is one already.
create function rebuild_projection(in_projection text) returns integer
language plpgsql
set search_path = pg_catalog, public, pg_temp
as $$
declare
    building integer;
begin
    perform from projection_generations where projection = in_projection for update;
    select generation into building from projection_generations where projection = in_projection and state = 'building';
    if building is null then
        insert into projection_generations (projection, generation, state)
        select in_projection, max(generation) + 1, 'building'
        from projection_generations
        where projection = in_projection
        having count(*) > 0
        returning generation into building;
    end if;
    return building;
end
$$;

-- Lets readers find the generation that was built, unless the serving one has come further; whether it serves now.
create function serve_generation(in_projection text, in_generation integer) returns boolean
language plpgsql
set search_path = pg_catalog, public, pg_temp
as $$
declare
    present constant bigint := (select epoch from cluster_identity);
    behind boolean;
begin
    perform
    from projection_generations
    where projection = in_projection
    for update;
    -- In one order for all, and held to the end: neither moves between the comparison and the switch.
    perform
    from projection_checkpoints
    where projection = in_projection and epoch = present
    order by generation
    for update;

    select coalesce((ours.transaction_id, ours.position) < (theirs.transaction_id, theirs.position), true)
    into behind
    from projection_generations as serving
    join projection_checkpoints as theirs
        on theirs.projection = serving.projection and theirs.generation = serving.generation and theirs.epoch = present
    left join projection_checkpoints as ours
        on ours.projection = in_projection and ours.generation = in_generation and ours.epoch = present
    where serving.projection = in_projection and serving.state = 'serving';

    if behind or not exists (
        select
        from projection_generations
        where projection = in_projection and generation = in_generation and state = 'building'
    ) then
        return false;
    end if;
    update projection_generations set state = 'retired' where projection = in_projection and state = 'serving';
    update projection_generations set state = 'serving' where projection = in_projection and generation = in_generation;
    return true;
end
$$;

-- For statements that read a read model: they see one generation whole, or the other.
create function serving_generation(in_projection text) returns integer
language sql
stable
begin atomic
    select generation from projection_generations where projection = in_projection and state = 'serving';
end;

revoke all on function rebuild_projection, serve_generation, serving_generation from public;

grant execute on function rebuild_projection, serve_generation, serving_generation to ledger_writer, ledger_operator;
