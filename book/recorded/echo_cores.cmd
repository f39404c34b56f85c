echo_cores 7070 4 & sleep 1
for i in 1 2 3 4 5 6 7 8; do echo_ask 7070 & done | sort | uniq -c
kill -INT $!; wait $!
