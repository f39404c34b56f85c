# on: windows
iocp_at_once
iocp_at_once skip
