# on: windows
# beside: model
# one of several
delayd 7070 > delayd.out & sleep 1
FAN_TRACE=1 fan_epoll 7070 > epoll
FAN_TRACE=1 fan_kqueue 7070 > kqueue
FAN_TRACE=1 fan_iocp 7070 > iocp
side_by_side fifth epoll kqueue iocp
