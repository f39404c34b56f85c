# one of several
resolve 127.0.0.1 ::1 nobody.invalid
