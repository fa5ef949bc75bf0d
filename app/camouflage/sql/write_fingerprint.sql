insert into camouflage (mark, worlds)
select %(fingerprint)s, %(views)s
where not exists (select from camouflage)
