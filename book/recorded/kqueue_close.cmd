# on: model
kqueue_close
