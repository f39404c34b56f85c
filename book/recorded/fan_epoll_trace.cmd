# one of several
delayd 7070 & sleep 1
FAN_TRACE=1 fan_epoll 7070 | grep fifth
