insert into camouflage (mark)
select %(mark)s
where not exists (select from camouflage)
