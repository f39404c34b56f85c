echod 7070 & server=$!; sleep 1
echo_ask 7070 greedy & sleep 0.2; echo_ask 7070; wait $!
kill -INT $server; wait $server; echo "it ended with $?"
