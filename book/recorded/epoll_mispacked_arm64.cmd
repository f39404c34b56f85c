# on: arm64
epoll_mispacked
