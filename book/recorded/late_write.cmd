late_write abandon
late_write collect
