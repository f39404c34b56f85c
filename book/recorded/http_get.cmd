delayd 7070 & sleep 1
http_get http://127.0.0.1:7070/100/tea
http_get http://127.0.0.1:7070/tea; echo "status $?"
http_get -t 1 http://127.0.0.1:7070/3000/tea; echo "status $?"
http_get http://127.0.0.1:1/; echo "status $?"
