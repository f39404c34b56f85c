# on: model
kqueue_modes
