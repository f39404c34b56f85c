# on: windows
iocp_probe
