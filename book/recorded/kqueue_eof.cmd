# on: model
kqueue_eof
