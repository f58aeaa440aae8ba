"""Which figures are hidden, because they would tell about fewer than five persons."""
