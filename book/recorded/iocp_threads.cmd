# on: windows
iocp_threads
