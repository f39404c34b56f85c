ctrl_c
