# measured
epoll_cost
