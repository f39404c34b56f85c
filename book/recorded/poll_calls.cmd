# one of several
delayd 7070 > delayd.out & sleep 1
FAN_TRACE=1 poll_calls 7070 > poll
FAN_TRACE=1 fan_epoll 7070 > epoll
side_by_side fifth poll epoll
