# on: model
kqueue_connect
