"""Sessions of browsers: a cookie names one, and its tokens stay here, encrypted."""
