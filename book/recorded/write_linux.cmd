strace -o calls -e trace=write write_linux
cat calls
