# on: windows
last_error
