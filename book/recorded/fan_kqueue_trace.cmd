# on: model
# one of several
delayd 7070 & sleep 1
FAN_TRACE=1 fan_kqueue 7070 | grep fifth
