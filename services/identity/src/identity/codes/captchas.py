"""Captchas: a question in words, sealed for one browser, answered once."""

import secrets
from dataclasses import dataclass
from random import SystemRandom

from identity.codes import questions, rules
from identity.codes.errors import CaptchaIncorrect, CodeBudgetSpent
from identity.codes.repository import CodeRepository
from identity.codes.rules import Budget
from identity.sealing import BadToken, seal, unseal
from identity.vault import Vault
from servicekit.clock import Clock

_RANDOM = SystemRandom()


@dataclass(frozen=True)
class Captcha:
    """A question, and the token to return with its answer."""

    token: str
    question: str


@dataclass(frozen=True)
class Answer:
    """A person's answer, with the token of the question."""

    token: str
    text: str


class Captchas:
    """Captchas for one request. A question has no row: its answer is encrypted in its token."""

    def __init__(self, rows: CodeRepository, clock: Clock, vault: Vault, address_index: bytes) -> None:
        self._rows = rows
        self._clock = clock
        self._vault = vault
        self._address = address_index

    def ask(self, ticket: str) -> Captcha:
        """Return a question for the browser with this ticket."""
        question = questions.ask(_RANDOM)
        token = seal(
            self._vault,
            _purpose(ticket),
            self._clock.now(),
            answer=question.answer,
            nonce=secrets.token_hex(16),
        )
        return Captcha(token, question.text)

    async def check(self, ticket: str, answer: Answer) -> None:
        """Use up a captcha. Raises `CaptchaIncorrect`, and `CodeBudgetSpent` after too many answers."""
        now = self._clock.now()
        try:
            sealed = unseal(self._vault, _purpose(ticket), answer.token, now, rules.CAPTCHA_LIFETIME)
        except BadToken as error:
            raise CaptchaIncorrect from error
        tries = Budget("tries", self._address, rules.CAPTCHA_TRIES, rules.HOUR)
        refused = await self._rows.spend(tries, now, up_to=tries.limit)
        if refused is not None:
            raise CodeBudgetSpent(rules.seconds_until(refused.ends_at, now))
        key = self._vault.index("captcha", sealed["nonce"])
        once = Budget("captcha", key, 1, rules.CAPTCHA_LIFETIME)
        if await self._rows.spend(once, now, up_to=1) is not None:
            raise CaptchaIncorrect
        if questions.number_of(answer.text) != sealed["answer"]:
            raise CaptchaIncorrect


def _purpose(ticket: str) -> str:
    return f"captcha\0{ticket}"
