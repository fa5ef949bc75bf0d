"""`fortress compliance`: judge an environment by the controls, report, watch."""
