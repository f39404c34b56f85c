# on: windows
bad_handle
