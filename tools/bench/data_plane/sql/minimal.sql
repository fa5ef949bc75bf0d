-- What could hold an event and nothing else.
drop table if exists minimal;

create table minimal (
    position bigserial primary key,
    stream text not null,
    data text not null
);
