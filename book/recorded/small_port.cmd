# on: windows
small_port
