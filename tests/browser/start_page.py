"""The start page of `make run`, in front of the Identity of a test."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rich.progress import Progress

from contracts.vocabulary import Audience
from identity import bootstrap
from onebox import start
from onebox.services import CLIENTS, demo_accounts
from testkit.serving import Served

from .conftest import Site


@asynccontextmanager
async def start_page(site: Site) -> AsyncIterator[tuple[str, start.Status]]:
    """Its address, and its status, which says at first that the services are starting."""
    served = Served()
    urls = {audience.service: site.url for audience in Audience} | {"start": served.url}
    progress = Progress(disable=True)
    progress.add_task("载入程序", total=3, completed=3)
    progress.add_task("单位与人员（世界 S）", total=3056, completed=1200)
    status = start.Status(progress)
    async with site.app.state.database.transaction() as session:
        await bootstrap.ensure_keys_and_clients(
            session,
            site.clock,
            site.app.state.vault,
            service_secrets={name: name[0] * 40 for name in CLIENTS},
            redirect_uris=[f"{served.url}/demo/callback"],
            signed_out_uris=[f"{served.url}/demo/signed-out"],
        )
    async with served.running(start.build(urls, status)):
        yield served.url, status
    served.close()


def ready(status: start.Status) -> None:
    """The services have started."""
    status.ready(demo_accounts(), 12.3)
