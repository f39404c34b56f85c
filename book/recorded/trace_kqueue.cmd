# on: model
# one of several
delayd 7070 > delayd.out & sleep 1
FAN_TRACE=1 trace_kqueue 7070
