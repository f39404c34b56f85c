# one of several
epoll_signal
