# on: windows
iocp_probe_udp
