# on: model
kqueue_receipt
