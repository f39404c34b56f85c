# measured
costs threads
