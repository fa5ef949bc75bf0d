select position
from imports
where name = %(name)s
