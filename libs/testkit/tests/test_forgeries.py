"""Each forgery is really one: no key set of the issuer verifies it."""

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from testkit.forgeries import forgeries

ALGORITHMS = ["ES256", "RS256"]


@pytest.mark.parametrize("key", [ECKey.generate_key("P-256"), RSAKey.generate_key(2048)], ids=ALGORITHMS)
def test_none_verifies_by_the_published_key(key: ECKey | RSAKey) -> None:
    alg = ALGORITHMS[isinstance(key, RSAKey)]
    published = {**key.as_dict(private=False), "kid": "k"}
    good = jwt.encode({"alg": alg, "kid": "k"}, {"sub": "x"}, key, [alg])
    keys = KeySet.import_key_set({"keys": [published]})
    assert jwt.decode(good, keys, ALGORITHMS).claims == {"sub": "x"}
    made = forgeries(good, published)
    assert len(set(made.values())) == len(made)
    for name, token in made.items():
        with pytest.raises(Exception):  # noqa: B017 - whatever the library calls it
            pytest.fail(f"{name}: {jwt.decode(token, keys, ALGORITHMS)}")
