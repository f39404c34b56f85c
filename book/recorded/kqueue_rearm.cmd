# on: model
MODEL_KQUEUE=netbsd kqueue_rearm
MODEL_KQUEUE=freebsd kqueue_rearm
