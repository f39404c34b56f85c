chat 7070 & server=$!; sleep 1
chat_say 7070 > heard & sleep 0.3; chat_say 7070 "hello" " everybody"; sleep 0.3
kill -INT $server; wait; cat heard
