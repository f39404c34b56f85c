# on: windows
iocp_cancel
