# on: windows
iocp_abandoned
