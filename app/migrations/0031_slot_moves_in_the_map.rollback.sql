drop function begin_slot_move;

drop function finish_slot_move;

drop function abort_slot_move;
