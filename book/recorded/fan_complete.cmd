delayd 7070 & sleep 1
fan_complete 7070
