# on: windows
iocp_close
