# measured
worker
