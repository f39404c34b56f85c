# on: windows
iocp_loan
