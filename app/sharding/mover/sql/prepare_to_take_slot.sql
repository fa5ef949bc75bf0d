select prepare_to_take_slot()
