# on: windows
delayd 7070 & sleep 1
fan_iocp 7070
