# on: windows
echo_iocp
