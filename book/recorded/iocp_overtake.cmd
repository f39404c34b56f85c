# on: windows
iocp_overtake
