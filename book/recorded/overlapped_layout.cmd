# on: windows
overlapped_layout
