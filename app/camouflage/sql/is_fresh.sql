select
    to_regclass('public.camouflage') is not null as marked,
    exists (select from streams) as used
