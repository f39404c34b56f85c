delayd 7070 & sleep 1
fan_first 7070
