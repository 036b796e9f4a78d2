"""One cloud: a login that all threads share, and a connection for each of them."""

from __future__ import annotations

import threading
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, cast

from keystoneauth1 import discover
from keystoneauth1 import exceptions as keystone
from openstack import exceptions as sdk
from openstack.config import OpenStackConfig
from openstack.connection import Connection

from vmsnap_tui.model.errors import Denied, Missing, Unreachable, Unsupported
from vmsnap_tui.platforms.openstack.errors import typed_errors

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from keystoneauth1.session import Session
    from openstack.config.cloud_region import CloudRegion

    from vmsnap_tui.model.vm import Site

COMPUTE, VOLUME, IMAGE = "compute", "block_storage", "image"
_NEWEST = {COMPUTE: (2, 100), VOLUME: (3, 71)}
"""The newest microversions whose answers are understood here."""
_PAGE = 1000
_TIMEOUT = 60.0  # seconds that a request may take

Record = dict[str, Any]
"""A service's own JSON of one thing."""


class Cloud:
    """Speaks to the services of one cloud, region and project.

    A `Connection` of openstacksdk is not made to be shared between threads, so that each thread has its own; what
    they share is the login, which renews its token by itself. keystoneauth sends nothing twice but what a 401 has
    turned away, so that no create is repeated blindly.
    """

    def __init__(self, site: Site) -> None:
        self.name, _, self._region = site.address.partition("/")
        self._project = site.options.get("project", "")
        self.all_projects = site.options.get("all_projects", "").lower() in {"yes", "true", "1"}
        self._local = threading.local()
        self._lock = threading.Lock()
        self._login: tuple[CloudRegion, Session] | None = None
        self._versions: dict[str, str | None] = {}
        self.missing: dict[str, str] = {}
        """Services that the cloud does not have, and what was said of them."""
        self.project_id = ""
        self.project_name = ""
        self.roles: tuple[str, ...] = ()
        self.requests = 0
        """How many requests were sent."""

    def open(self) -> None:
        """Log in, and find out what there is. Raises Unreachable, Denied."""
        with typed_errors(), self._lock:
            config = self._configured()
            if str(config.config.get("auth_type", "")).endswith("password") and not config.auth.get("password"):
                raise Denied("no password is configured for this cloud", "put it into clouds.yaml or secure.yaml")
            session = config.get_session()
            auth: Any = session.auth
            access = auth.get_access(session)
            # keystoneauth renews a token two minutes before it ends: one that lives no longer would be renewed at
            # each request.
            lifetime = (access.expires - access.issued).total_seconds()
            auth.MIN_TOKEN_LIFE_SECONDS = min(auth.MIN_TOKEN_LIFE_SECONDS, lifetime / 3)
            self.project_id, self.project_name = access.project_id or "", access.project_name or ""
            self.roles = tuple(access.role_names)
            if not self.project_id:
                raise Unreachable("the login names no project", "set project_name for this cloud in clouds.yaml")
            self._login = config, session
            self._local = threading.local()
            versions: dict[str, str | None] = {}
            missing: dict[str, str] = {}
            self.missing, self._versions = {}, {}
            for service in (COMPUTE, IMAGE, VOLUME):
                try:
                    versions[service] = self._newest(service)
                except (sdk.SDKException, keystone.ClientException) as error:
                    missing[service] = str(error)
            self._versions, self.missing = versions, missing
        for service in (COMPUTE, IMAGE):
            if service in self.missing:
                raise Unreachable(f"the cloud has no {service} service: {self.missing[service]}", "check its region")

    def close(self) -> None:
        """Forget the login."""
        with self._lock:
            self._login = None
            self._local = threading.local()

    @property
    def has_volumes(self) -> bool:
        """Whether there is a Cinder."""
        return VOLUME not in self.missing

    @property
    def auth_url(self) -> str:
        """Where one logs in."""
        return "" if self._login is None else str(self._login[0].auth.get("auth_url", ""))

    def version(self, service: str) -> tuple[int, int]:
        """The microversion that is spoken, (0, 0) where none is."""
        text = self._versions.get(service)
        major, _, minor = (text or "0.0").partition(".")
        return int(major), int(minor)

    def get(self, service: str, path: str, **query: object) -> Record:
        """The answer to a GET. Raises the model's errors."""
        return self.ask(service, "GET", path, query=query)[0]

    def ask(
        self,
        service: str,
        method: str,
        path: str,
        *,
        json: object = None,
        query: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> tuple[Record, datetime | None]:
        """An answer's JSON ({} where there is none), and the service's own time. Raises the model's errors."""
        with typed_errors():
            proxy = self._proxy(service)
            self.requests += 1
            response = proxy.request(
                path,
                method,
                params=query,
                headers=dict(headers or {}),
                microversion=self._versions.get(service),
                raise_exc=False,
                connect_retries=0,
                timeout=_TIMEOUT,
                **({} if json is None else {"json": json}),
            )
            sdk.raise_from_response(response)
            at = response.headers.get("Date")
            text = response.content
            body = response.json() if text and "json" in response.headers.get("Content-Type", "") else {}
        return cast("Record", body), parsedate_to_datetime(at) if at else None

    def pages(self, service: str, path: str, key: str, **query: object) -> Iterator[list[Record]]:
        """A list in pages, by marker."""
        limit = cast("int", query.pop("limit", _PAGE))
        marker: dict[str, object] = {}
        while True:
            answer = self.get(service, path, **query, **marker, limit=limit)
            rows = cast("list[Record]", answer.get(key, []))
            if rows:
                yield rows
            # A service may hold its pages shorter than asked for; then it says that there are more.
            more = answer.get(f"{key}_links") or answer.get("next")
            if not rows or (len(rows) < limit and not more):
                return
            marker = {"marker": rows[-1]["id"]}

    def every(self, service: str, path: str, key: str, **query: object) -> list[Record]:
        """The whole of a list."""
        return [row for page in self.pages(service, path, key, **query) for row in page]

    def found(self, service: str, path: str, key: str = "") -> Record | None:
        """One thing, None where it is not there."""
        try:
            answer = self.get(service, path)
        except Missing:
            return None
        return cast("Record", answer[key]) if key else answer

    def _configured(self) -> CloudRegion:
        settings = OpenStackConfig(app_name="vmsnap")
        choice: dict[str, Any] = {}
        if self._region:
            choice["region_name"] = self._region
        if self._project:
            choice["project_name"] = self._project
        return settings.get_one(cloud=self.name or None, **choice)

    def _proxy(self, service: str) -> Any:  # noqa: ANN401  (openstacksdk's, one kind for each service)
        if self._login is None:
            raise Unreachable("not connected", "refresh the site to connect now")
        if service in self.missing:
            raise Unsupported(f"this cloud has no {service} service", self.missing[service])
        connection = getattr(self._local, "connection", None)
        if connection is None:
            config, _ = self._login
            connection = self._local.connection = Connection(config=config)
        return getattr(connection, service)

    def _newest(self, service: str) -> str | None:
        data = self._proxy(service).get_endpoint_data()
        ours = _NEWEST.get(service)
        if data is None or not data.max_microversion or ours is None:
            return None
        return discover.version_to_string(min(ours, discover.normalize_version_number(data.max_microversion)))
