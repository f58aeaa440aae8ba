"""The feeds (数据源): what a file of each may hold, declared once."""
