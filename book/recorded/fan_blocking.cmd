delayd 7070 & sleep 1
fan_blocking 7070
