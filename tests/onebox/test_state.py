"""The state directory: secrets are made once, kept, and added to."""

import json
import stat
from pathlib import Path

import pytest

from onebox import state


def test_secrets_are_made_once_and_readable_by_their_owner_only(tmp_path: Path) -> None:
    made = state.load_secrets(tmp_path, ["office", "cockpit"])
    assert state.load_secrets(tmp_path, ["office", "cockpit"]) == made
    assert (
        len({made.encryption_key, made.index_key, made.sms_inbound_secret, *made.client_secrets.values()})
        == 5
    )
    assert stat.S_IMODE((tmp_path / "secrets.json").stat().st_mode) == 0o600


def test_a_new_service_gets_a_secret_and_the_others_keep_theirs(tmp_path: Path) -> None:
    made = state.load_secrets(tmp_path, ["office"])
    more = state.load_secrets(tmp_path, ["office", "portal"])
    assert more.encryption_key == made.encryption_key
    assert more.client_secrets["office"] == made.client_secrets["office"]
    assert set(more.client_secrets) == {"office", "portal"}


def test_a_file_of_an_older_release_is_taken_over(tmp_path: Path) -> None:
    older = {
        "encryption_key": "00" * 32,
        "index_key": "11" * 32,
        "database_password": "password",
        "office_client_secret": "office-secret",
        "cockpit_client_secret": "cockpit-secret",
    }
    (tmp_path / "secrets.json").write_text(json.dumps(older))
    kept = state.load_secrets(tmp_path, ["office", "cockpit"])
    assert (kept.encryption_key, kept.database_password) == ("00" * 32, "password")
    assert kept.client_secrets == {"office": "office-secret", "cockpit": "cockpit-secret"}


def test_a_directory_is_held_by_one_process(tmp_path: Path) -> None:
    with state.held(tmp_path), pytest.raises(state.AlreadyRunning), state.held(tmp_path):
        pass
