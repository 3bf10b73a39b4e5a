def make(directory, store):
    pass
