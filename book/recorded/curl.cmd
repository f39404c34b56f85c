delayd 7070 & sleep 1
curl -s http://127.0.0.1:7070/300/tea
curl -s http://127.0.0.1:7070/tea
curl -s -o /dev/null -w '%{http_code}\n' -X POST http://127.0.0.1:7070/300/tea
