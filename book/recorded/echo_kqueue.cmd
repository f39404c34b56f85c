# on: model
echo_kqueue 7070 & sleep 1
shout 7070
