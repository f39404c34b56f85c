# on: windows
queue_port
