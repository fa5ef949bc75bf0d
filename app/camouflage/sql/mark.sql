insert into camouflage (mark, worlds)
select %(mark)s, %(worlds)s
where not exists (select from camouflage)
