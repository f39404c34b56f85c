# on: windows
# one of several
delayd 7070 & sleep 1
FAN_TRACE=1 fan_iocp 7070 | grep fifth
