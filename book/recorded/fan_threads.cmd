delayd 7070 & sleep 1
fan_threads 7070
