# measured
drift
