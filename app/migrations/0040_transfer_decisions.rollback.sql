drop table transfer_decisions;
