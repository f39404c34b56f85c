# on: windows
delayd 7070 & sleep 1
fan 7070
