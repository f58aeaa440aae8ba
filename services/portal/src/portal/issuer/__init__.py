"""The portal as a client of Identity: OpenID Connect with PAR, DPoP and private_key_jwt."""
