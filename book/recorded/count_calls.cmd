# on: windows
# beside: model
# one of several
delayd 7070 > delayd.out & sleep 1
for i in 1 2 3 4 5 6; do FAN_TRACE=1 fan_epoll 7070; done > epoll
for i in 1 2 3 4 5 6; do FAN_TRACE=1 fan_kqueue 7070; done > kqueue
for i in 1 2 3 4 5 6; do FAN_TRACE=1 fan_iocp 7070; done > iocp
count_calls epoll kqueue iocp
