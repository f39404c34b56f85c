# on: s390x
epoll_mispacked
