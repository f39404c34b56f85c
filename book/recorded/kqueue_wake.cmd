# on: model
kqueue_wake
MODEL_KQUEUE=netbsd kqueue_wake
