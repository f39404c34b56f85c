delayd 7070 & sleep 1
fan_poll 7070
