x = 1  # FIXME
