# on: windows
# one of several
FAN_TRACE=1 fan_iocp 7070 | grep Queued
