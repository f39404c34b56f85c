# one of several
epoll_herd
