"""The fact store: ClickHouse, or chDB inside this process."""
