echo_small 7070 & sleep 1
echo_ask 7070 greedy & sleep 0.2; echo_ask 7070; wait %2
