"""The store of facts: ClickHouse, or chDB inside this process."""
