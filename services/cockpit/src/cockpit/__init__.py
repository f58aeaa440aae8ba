"""Data cockpit 数字驾驶舱: intake of figures, and views of them for the four administrative levels."""
