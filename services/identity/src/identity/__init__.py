"""Identity 统一用户认证: accounts, units, memberships, entitlements and the OpenID Connect issuer."""
