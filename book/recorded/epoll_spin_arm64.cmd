# one of several
# on: arm64
epoll_spin
