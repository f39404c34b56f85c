# on: model
kqueue_timer
MODEL_KQUEUE=netbsd kqueue_timer
