refused
