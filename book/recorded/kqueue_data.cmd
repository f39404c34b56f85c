# on: model
kqueue_data
