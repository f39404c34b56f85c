# on: windows
iocp_failed
