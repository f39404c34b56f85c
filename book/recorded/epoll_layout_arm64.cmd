# on: arm64
epoll_layout
