strace -o calls idle
sed -n '/hundred/,/later/p' calls | cut -d'(' -f1
