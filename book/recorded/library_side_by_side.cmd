# on: windows
# beside: model
# one of several
delayd 7070 > delayd.out & sleep 1
FAN_TRACE=1 trace_epoll 7070 > epoll
FAN_TRACE=1 trace_kqueue 7070 > kqueue
FAN_TRACE=1 trace_iocp 7070 > iocp
side_by_side fifth epoll kqueue iocp
