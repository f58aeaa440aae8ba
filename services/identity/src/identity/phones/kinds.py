"""The kind of job that looks for the account of somebody who has lost their number."""

from pydantic import BaseModel

from jobs.kinds import Kind


class Asked(BaseModel):
    """A request for an account."""

    sealed: str
    """Its number, name and identity number, encrypted (`identity.sealing`)."""


SEEK = Kind("identity.phones.seek", Asked)
