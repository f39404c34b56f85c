strace -c -e trace=epoll_wait,epoll_ctl,recvfrom,sendto -o counts small_echo
awk '$4 + 0 > 0 && $NF != "total" { print $4, $NF }' counts | sort -k 2
