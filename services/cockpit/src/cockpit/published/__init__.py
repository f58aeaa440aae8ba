"""Published tables (公布的汇总数据): kept as they were published, each source and scope apart."""
