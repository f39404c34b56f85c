# on: model
kqueue_identity
