# on: windows
iocp_wake
