"""The box of the pages of registering: agreeing to the current documents."""

from typing import Annotated, Any

from fastapi import Depends, Form

from contracts.vocabulary import PolicyKind
from identity.policies.dependencies import PolicyService
from identity.policies.service import Policies
from identity.signin.errors import TermsNotAccepted

Version = Annotated[str, Form(max_length=20)]


def unticked(policies: Policies) -> dict[str, Any]:
    """Return what the box shows at first: the versions that somebody who ticks it agrees to."""
    return {"agreed": False, "versions": _versions(policies)}


def _versions(policies: Policies) -> dict[PolicyKind, str]:
    return {kind: document.version for kind, document in policies.current.items()}


class TermsBox:
    """The box as it was sent, with the versions that the page showed."""

    def __init__(
        self,
        policies: PolicyService,
        agreed: Annotated[str, Form(max_length=10)] = "",
        privacy_policy: Version = "",
        terms: Version = "",
    ) -> None:
        self.seen = {PolicyKind.PRIVACY_POLICY: privacy_policy, PolicyKind.TERMS: terms}
        self._current = _versions(policies)
        self._ticked = agreed == "yes"

    def check(self) -> None:
        """Raise `TermsNotAccepted` unless the box is ticked."""
        if not self._ticked:
            raise TermsNotAccepted

    @property
    def shown(self) -> dict[str, Any]:
        """Return what the page shows again: no longer ticked if there are newer versions."""
        ticked = self._ticked and self.seen.items() <= self._current.items()
        return {"agreed": ticked, "versions": self._current}


SentTerms = Annotated[TermsBox, Depends()]
