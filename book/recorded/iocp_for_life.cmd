# on: windows
iocp_for_life
