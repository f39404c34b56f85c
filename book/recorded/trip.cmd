# measured
trip
