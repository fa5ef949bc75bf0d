"""Read models: tables that are made of events, and can be made of them anew at any time.

**Asynchronous** ones are kept by a `Projector` from a `Projection`: a page of events at a time, each event exactly
once. A reader joins its rows with `serving_generation('<name>')`, and so sees one generation whole, or the next one.

**Inline** ones are written in the transaction of the events, by a trigger of the database:

    create trigger … after insert on events
    referencing new table as stored
    for each statement execute function …;
    alter table events enable always trigger …;

The function writes set-based SQL over `stored`, and what it writes is guarded by the version
(`on conflict … do update … where read_model.version < excluded.version`): events come again when a slot comes back.
ENABLE ALWAYS makes the trigger fire for rows that are moved here, too. Two limits: a row that is inserted into a
partition by its name passes by a statement trigger of `events`, and so does all that logical replication brings after
its first copy. A replica by logical replication therefore replicates the read model's own table as well. Where few
events concern the read model, a row trigger with a `when` clause is the cheaper one, and has neither limit.
"""

from app.projections.metrics import ProjectionMetrics
from app.projections.projection import Connection, Generation, Projection, ProjectionLag
from app.projections.projector import Projector, lags, rebuild

__all__ = [
    "Connection",
    "Generation",
    "Projection",
    "ProjectionLag",
    "ProjectionMetrics",
    "Projector",
    "lags",
    "rebuild",
]
