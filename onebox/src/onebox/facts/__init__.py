"""Generated facts of all feeds, which agree with each other: for `make run`, `make facts` and the benches."""
