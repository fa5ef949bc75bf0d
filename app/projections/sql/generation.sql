select
    each.generation,
    identity.epoch,
    coalesce(place.transaction_id, 0),
    coalesce(place.position, 0)
from projection_generations as each
cross join cluster_identity as identity
left join projection_checkpoints as place
    on place.projection = each.projection
    and place.generation = each.generation
    and place.epoch = identity.epoch
where each.projection = %(projection)s
and each.state = %(state)s
limit 1
