"""Captchas: a picture of characters or a question in words, sealed for one browser, answered once."""

import secrets
from dataclasses import dataclass
from random import SystemRandom

from identity.codes import pictures, questions, rules
from identity.codes.errors import CaptchaIncorrect, CodeBudgetSpent
from identity.codes.repository import CodeRepository
from identity.codes.rules import Budget, CaptchaKind
from identity.sealing import BadToken, seal, unseal
from identity.vault import Vault
from servicekit.clock import Clock

_RANDOM = SystemRandom()
PICTURE_QUESTION = "请输入图片中的字符，不区分大小写。"


@dataclass(frozen=True)
class Captcha:
    """A question, and the token to return with its answer."""

    token: str
    question: str
    picture: str | None = None
    """A `data:` address; None if the question is in words."""

    @property
    def kind(self) -> CaptchaKind:
        """Which of the two it is."""
        return CaptchaKind.WORDS if self.picture is None else CaptchaKind.PICTURE


@dataclass(frozen=True)
class Answer:
    """A person's answer, with the token of the question."""

    token: str
    text: str


class Captchas:
    """Captchas for one request. A question has no row: its answer is encrypted in its
    token.
    """

    def __init__(self, rows: CodeRepository, clock: Clock, vault: Vault, address_index: bytes) -> None:
        self._rows = rows
        self._clock = clock
        self._vault = vault
        self._address = address_index

    async def ask(self, ticket: str, kind: CaptchaKind = CaptchaKind.PICTURE) -> Captcha:
        """Return a question for the browser with this ticket.

        An address that has had its pictures for this hour gets questions in words.
        """
        if kind is CaptchaKind.PICTURE and await self._may_draw():
            characters = pictures.choose()
            token = self._token(ticket, CaptchaKind.PICTURE, pictures.read(characters))
            return Captcha(token, PICTURE_QUESTION, await pictures.draw(characters))
        question = questions.ask(_RANDOM)
        return Captcha(self._token(ticket, CaptchaKind.WORDS, question.answer), question.text)

    async def _may_draw(self) -> bool:
        drawn = Budget("pictures", self._address, rules.CAPTCHA_PICTURES, rules.HOUR)
        return await self._rows.spend(drawn, self._clock.now(), up_to=drawn.limit) is None

    def _token(self, ticket: str, kind: CaptchaKind, answer: str | int) -> str:
        nonce = secrets.token_hex(16)
        return seal(self._vault, _purpose(ticket), self._clock.now(), kind=kind, answer=answer, nonce=nonce)

    async def check(self, ticket: str, answer: Answer) -> None:
        """Use up a captcha. Raises `CaptchaIncorrect`, and `CodeBudgetSpent` after too many answers."""
        now = self._clock.now()
        try:
            sealed = unseal(self._vault, _purpose(ticket), answer.token, now, rules.CAPTCHA_LIFETIME)
        except BadToken as error:
            raise CaptchaIncorrect from error
        in_words = sealed["kind"] == "words"
        # Programs answer words more easily than pictures.
        tries = (
            Budget("word_tries", self._address, rules.CAPTCHA_WORD_TRIES, rules.HOUR)
            if in_words
            else Budget("tries", self._address, rules.CAPTCHA_TRIES, rules.HOUR)
        )
        refused = await self._rows.spend(tries, now, up_to=tries.limit)
        if refused is not None:
            raise CodeBudgetSpent(rules.seconds_until(refused.ends_at, now))
        key = self._vault.index("captcha", sealed["nonce"])
        once = Budget("captcha", key, 1, rules.CAPTCHA_LIFETIME)
        if await self._rows.spend(once, now, up_to=1) is not None:
            raise CaptchaIncorrect
        given = questions.number_of(answer.text) if in_words else pictures.read(answer.text)
        if given != sealed["answer"]:
            raise CaptchaIncorrect


def _purpose(ticket: str) -> str:
    return f"captcha\0{ticket}"
