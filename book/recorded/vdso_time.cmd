strace -o calls -e trace=clock_gettime vdso_time
grep -c clock_gettime calls
