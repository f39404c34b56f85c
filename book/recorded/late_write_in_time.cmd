late_write collect in-time
