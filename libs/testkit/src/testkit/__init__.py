"""What the tests of every Zhuxue service share: real backends, a frozen clock, a token factory."""
