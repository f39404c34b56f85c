# measured
costs poll
