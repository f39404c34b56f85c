# one of several
delayd 7070 > delayd.out & sleep 1
strace -o calls trace_epoll 7070
sed -n '/^socket(/,/^close(/p' calls | grep -v -e fcntl -e fstat -e write | sed 's/(.*//' | xargs
