"""Sample (样例), a service of Zhuxue."""
