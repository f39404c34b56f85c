# on: windows
write_windows
