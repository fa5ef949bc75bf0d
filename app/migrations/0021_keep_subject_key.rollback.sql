drop function rewrap_subject_key;

drop function keep_subject_key;
