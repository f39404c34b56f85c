# on: windows
iocp_connect
