"""Composition root: adds Identity's components to those of every resource server."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from authkit.jwks import KeySet
from contracts.office import HandOverCompletedV1, ReminderRequestedV1
from filekit.scan import scanner_of
from identity import partitions
from identity.administration.endpoints import router as administration
from identity.administration.platform_endpoints import router as platform_security
from identity.appointments.endpoints import router as appointments
from identity.audit.writer import AuditWriter
from identity.audit_review import jobs as audit_jobs
from identity.audit_review.endpoints import router as audit
from identity.audit_review.kinds import EXPORT
from identity.authenticators.passkey_sign_in import router as passkey_sign_in
from identity.authenticators.security_page import router as security_page
from identity.authenticators.step_up import router as step_up
from identity.base import AUDIENCE, proofs, revocations, tables
from identity.clients import development
from identity.clients.cache import ClientCache
from identity.clients.endpoints import router as clients
from identity.clients.origins import Origins
from identity.clients.rfc7591 import router as registration
from identity.codes import pruning as code_pruning
from identity.codes.endpoints import router as captchas
from identity.delegations.endpoints import router as delegations
from identity.descriptions import DESCRIPTIONS
from identity.directory.endpoints import router as directory
from identity.encryption.jobs import ROTATE, KeyRotation
from identity.entitlements import jobs as entitlement_jobs
from identity.entitlements.endpoints import router as entitlements
from identity.inbound.endpoints import router as inbound
from identity.integrations.endpoints import router as integrations
from identity.invite_batches import jobs as invite_jobs
from identity.invite_batches.endpoints import UPLOADS as INVITE_UPLOADS
from identity.invite_batches.endpoints import router as invite_batches
from identity.invite_batches.rules import MOST_BYTES
from identity.invites.endpoints import router as invites
from identity.joining import jobs as joining_jobs
from identity.joining.endpoints import router as joining
from identity.keys import jobs
from identity.keys.published import PublishedKeys
from identity.keys.ring import KeyRing
from identity.me.endpoints import router as me
from identity.member_changes.consumers import HandOvers
from identity.member_changes.endpoints import router as member_changes
from identity.membership_pages.delegating import router as delegation_pages
from identity.membership_pages.joining import router as join_pages
from identity.membership_pages.units import router as unit_pages
from identity.memberships.endpoints import router as memberships
from identity.oauth.authorization.service import Authorizing
from identity.oauth.device import pruning as device_pruning
from identity.oauth.device.endpoints import router as device
from identity.oauth.endpoints.authorization import router as authorization
from identity.oauth.endpoints.decision import router as decision
from identity.oauth.endpoints.discovery import router as discovery
from identity.oauth.endpoints.token import router as token_endpoints
from identity.oauth.endpoints.userinfo import router as userinfo
from identity.oauth.logout.endpoints import router as logout
from identity.oauth.server import make_server
from identity.oauth.service import ClientCalls
from identity.oauth.state.context import Parts
from identity.pages import rendering
from identity.pages.endpoints import router as common_pages
from identity.pages.own import AgreeFirst, SignInFirst, on_agree_first, on_sign_in_first
from identity.pages.problems import Pages
from identity.phones import jobs as phone_jobs
from identity.phones.dependencies import lost_accounts_for, phones_for
from identity.phones.endpoints import router as phones
from identity.platform.endpoints import router as platform
from identity.policies.dependencies import publish
from identity.policies.documents import load as load_policies
from identity.policies.endpoints import router as policies
from identity.privacy import jobs as privacy_jobs
from identity.privacy.dependencies import privacy_for
from identity.privacy.endpoints import router as privacy
from identity.registration.endpoints import router as rest_registration
from identity.reminders.consumers import Reminding
from identity.reminders.jobs import pruning as prune_reminders
from identity.reorganisation import jobs as reorganisation_jobs
from identity.reorganisation.endpoints import router as reorganisation
from identity.revocations.endpoints import router as revoked
from identity.role_changes import jobs as role_jobs
from identity.role_changes.endpoints import router as role_changes
from identity.roles.endpoints import router as roles
from identity.search.endpoints import router as search
from identity.search.indexing import SearchIndexer
from identity.sessions.endpoints import router as sign_ins
from identity.sessions.jobs import NOTIFY, LogoutDelivery
from identity.sessions.places import Places
from identity.settings import Settings
from identity.signin.account import router as own_sessions
from identity.signin.agreeing import router as agreeing
from identity.signin.dev import router as dev
from identity.signin.endpoints import router as signin
from identity.signin.name_pages import router as name_pages
from identity.signin.new_holder import router as new_holder
from identity.signin.phone_pages import router as phone_pages
from identity.signin.phone_texting import router as phone_texting
from identity.signin.privacy_pages import router as privacy_pages
from identity.signin.recovering import router as recovering
from identity.signin.registering import router as registering
from identity.signin.text_pages import captchas as other_captchas
from identity.signin.text_pages import router as text_pages
from identity.sms.dispatcher import SmsDispatcher
from identity.sms.gateway import DevInbox, HttpSmsGateway, SmsGateway
from identity.unit_history.endpoints import router as unit_history
from identity.unit_imports import jobs as unit_imports
from identity.unit_imports.endpoints import UPLOADS
from identity.unit_imports.endpoints import router as unit_import_endpoints
from identity.units import announcing
from identity.units.endpoints import router as units
from identity.vault import Vault
from identity.verification.endpoints import router as real_names
from identity.verification.providers import HttpProvider, NoProvider, RealNameProvider, Sandbox
from jobs.kinds import Handler
from messaging.bus import Bus
from messaging.inbox import Subscription
from resourceserver.server import ResourceServer
from searchkit.frequencies import Frequencies
from servicekit import design
from servicekit.clock import Clock, SystemClock
from servicekit.db import Database
from servicekit.partitions import maintain


def make_vault(settings: Settings) -> Vault:
    """Return the vault with the operator's keys."""
    return Vault(settings.encryption_keys, settings.index_keys)


def build(settings: Settings, bus: Bus | None = None, clock: Clock | None = None) -> FastAPI:
    """Assemble Identity. A given `bus` is started and closed by the caller."""
    database = Database(
        settings.database_url,
        plans="force_generic_plan",
        pool_size=settings.database_pool_size,
        waits=settings.database_waits,
    )
    vault = make_vault(settings)
    the_clock = clock or SystemClock()
    key_ring = KeyRing(vault, the_clock, token_seconds=settings.access_token_seconds)

    async def own_keys() -> dict[str, Any]:
        async with database.transaction() as session:
            return await session.run_sync(key_ring.jwks)

    published_keys = PublishedKeys(own_keys)
    server = ResourceServer(
        settings,
        database,
        tables,
        revocations,
        proofs,
        audience=AUDIENCE,
        bus=bus,
        clock=the_clock,
        keys=KeySet(published_keys.get),
    )
    records = AuditWriter(settings.database_url, the_clock)

    scanner = scanner_of(settings.file_scanner_url)
    sms = make_sms(settings)
    provider = make_real_names(settings)
    current_policies = load_policies(settings.policies_directory)
    places = Places(settings.place_tables)
    origins = Origins(database)
    client_cache = ClientCache(origins)
    dispatcher = SmsDispatcher(database, vault, sms, the_clock)
    indexer = SearchIndexer(database, vault)

    @contextlib.asynccontextmanager
    async def background(_: FastAPI) -> AsyncIterator[None]:
        await development.check_absent(database, settings)
        # Run before requests are served, so that no row of today is inserted into a default partition.
        await maintain(database, partitions.partitioned(settings), the_clock.now())
        await publish(database, the_clock, current_policies)
        async with records.running(), dispatcher.running(), indexer.running():
            try:
                yield
            finally:
                await provider.close()

    app = server.app(
        title="助学 · 统一用户认证",
        words=DESCRIPTIONS,
        routers=[
            discovery,
            authorization,
            userinfo,
            token_endpoints,
            decision,
            logout,
            common_pages,
            signin,
            registering,
            recovering,
            new_holder,
            text_pages,
            other_captchas,
            phone_texting,
            agreeing,
            name_pages,
            phone_pages,
            privacy_pages,
            join_pages,
            unit_pages,
            delegation_pages,
            own_sessions,
            device,
            step_up,
            passkey_sign_in,
            security_page,
            captchas,
            rest_registration,
            inbound,
            policies,
            privacy,
            real_names,
            sign_ins,
            phones,
            me,
            revoked,
            roles,
            role_changes,
            memberships,
            invites,
            invite_batches,
            joining,
            entitlements,
            delegations,
            member_changes,
            platform,
            appointments,
            platform_security,
            administration,
            directory,
            units,
            unit_history,
            reorganisation,
            unit_import_endpoints,
            clients,
            registration,
            integrations,
            audit,
            search,
            *([dev] if settings.dev else []),
        ],
        subscriptions=[
            Subscription(
                "identity.handovers",
                (HandOverCompletedV1,),
                HandOvers(settings, vault, the_clock).handle,
            ),
            Subscription(
                "identity.reminders",
                (ReminderRequestedV1,),
                Reminding(settings, vault, the_clock, dispatcher).handle,
            ),
        ],
        handlers=[
            Handler(NOTIFY, LogoutDelivery(key_ring, settings, the_clock).run),
            Handler(EXPORT, audit_jobs.Exporter(key_ring, the_clock, settings.issuer_url).run),
            Handler(ROTATE, KeyRotation(vault, the_clock).run),
            announcing.HANDLER,
            reorganisation_jobs.handler(settings, vault, the_clock),
            role_jobs.handler(the_clock, settings.access_token_seconds),
            phone_jobs.handler(lambda s: lost_accounts_for(s, the_clock, vault, settings, dispatcher)),
            invite_jobs.handler(invite_jobs.Sending(settings, vault, the_clock, dispatcher)),
            *privacy_jobs.handlers(vault, the_clock),
            *unit_imports.handlers(database, the_clock, settings.access_token_seconds),
        ],
        periodic=[
            partitions.task(database, settings, the_clock),
            jobs.task(database, key_ring, the_clock, settings),
            code_pruning.task(database, the_clock),
            device_pruning.task(database, the_clock),
            joining_jobs.task(database, the_clock),
            invite_jobs.pruning(database, the_clock),
            prune_reminders(database, the_clock),
            entitlement_jobs.task(entitlement_jobs.Reviews(database, settings, vault, the_clock, dispatcher)),
            audit_jobs.task(database, key_ring, the_clock),
            phone_jobs.task(
                database, the_clock, lambda s: phones_for(s, the_clock, vault, settings, dispatcher)
            ),
            *privacy_jobs.tasks(
                database, the_clock, lambda s: privacy_for(s, the_clock, vault, settings, dispatcher)
            ),
            unit_imports.tidying(database, the_clock, settings.access_token_seconds),
            unit_imports.pruning(database, the_clock),
        ],
        background=background,
        checks={"file_scanner": scanner.check},
        larger_bodies={UPLOADS: settings.import_limit_bytes, INVITE_UPLOADS: MOST_BYTES},
        pages=rendering.PATHS,
        registered_origins=origins.registered(),
    )
    app.add_exception_handler(SignInFirst, on_sign_in_first)
    app.add_exception_handler(AgreeFirst, on_agree_first)
    app.add_middleware(Pages, of=site_of(settings))
    design.install(app)
    app.mount("/static", StaticFiles(directory=rendering.HERE / "static"), name="static")
    app.state.vault = vault
    app.state.file_scanner = scanner
    app.state.key_ring = key_ring
    app.state.published_keys = published_keys
    app.state.client_cache = client_cache
    parts = Parts(settings, the_clock, key_ring, client_cache, records, current_policies)
    app.state.parts = parts
    app.state.issuer = make_server()
    app.state.client_calls = ClientCalls(database, parts, app.state.issuer)
    app.state.authorizing = Authorizing(database, parts, app.state.issuer)
    app.state.sms = sms
    app.state.real_names = provider
    app.state.policies = current_policies
    app.state.places = places
    app.state.sms_dispatcher = dispatcher
    app.state.search_indexer = indexer
    app.state.search_frequencies = Frequencies()
    app.state.public_origin = settings.issuer_url
    app.state.userinfo_verifier = server.verifier(audience=settings.issuer_url)
    return app


def site_of(settings: Settings) -> rendering.Site:
    """Return what the operator puts at the foot of every page."""
    return rendering.Site(
        organiser=settings.site_organiser,
        support_phone=settings.site_support_phone or "",
        help_url=str(settings.site_help_url or "/help"),
        icp_number=settings.site_icp_number or "",
        police_number=settings.site_police_number or "",
    )


def make_sms(settings: Settings) -> SmsGateway:
    """Return the operator's SMS gateway, or the inbox in dev mode."""
    if settings.sms_gateway_url is None or settings.sms_gateway_secret is None:
        return DevInbox()
    return HttpSmsGateway(str(settings.sms_gateway_url), settings.sms_gateway_secret.get_secret_value())


def make_real_names(settings: Settings) -> RealNameProvider:
    """Return the operator's provider of real-name checks, or the sandbox in dev mode."""
    if settings.real_name_url is None or settings.real_name_secret is None:
        return Sandbox() if settings.dev else NoProvider()
    return HttpProvider(
        str(settings.real_name_url),
        settings.real_name_secret.get_secret_value(),
        timeout=settings.real_name_timeout_seconds,
    )
