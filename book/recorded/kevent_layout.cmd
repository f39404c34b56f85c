# on: model
kevent_layout
