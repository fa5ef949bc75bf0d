drop function begin_slot_move;

drop function end_slot_move;
