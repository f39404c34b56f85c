# one of several
epoll_spin
