chat 7070 & server=$!; sleep 1
chat_say 7070 & slow=$!; sleep 0.3; kill -STOP $slow
many=$(yes "$(printf "%0249d" 0)" | head -n 500)
chat_say 7070 "$many" "$many" "$many" "$many"; sleep 0.3
kill -KILL $slow; kill -INT $server; wait
