"""Groups of contacts (分组), which notices can address, and favourites (常用联系人)."""
