"""How one logs in to a cluster: by a context of the kubeconfig, or by the account of the pod that this runs in."""

from __future__ import annotations

import base64
import json
import os
import shlex
import subprocess
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
from kubernetes.aio.client.configuration import Configuration
from kubernetes.aio.config import load_incluster_config
from kubernetes.aio.config.kube_config import load_kube_config_from_dict

from vmsnap_tui.model.errors import Denied, Unreachable
from vmsnap_tui.model.text import clean
from vmsnap_tui.platforms.openshift import contexts

if TYPE_CHECKING:
    from vmsnap_tui.model.vm import Site

_PATIENCE = 60.0  # seconds that a login program may take
_EARLY = timedelta(seconds=30)  # before it expires, a login is renewed


@dataclass(frozen=True, slots=True)
class Login:
    """A login. `namespace` is the context's own, `expires` None where nothing is said."""

    configuration: Configuration
    namespace: str
    user: str = ""
    expires: datetime | None = None

    @property
    def is_old(self) -> bool:
        """Whether it has to be renewed."""
        return self.expires is not None and datetime.now(UTC) > self.expires - _EARLY


class _Credential(msgspec.Struct, rename="camel"):
    """What a login program answers with (the status of an ExecCredential)."""

    token: str = ""
    client_certificate_data: str = ""
    client_key_data: str = ""
    expiration_timestamp: datetime | None = None


class _Answer(msgspec.Struct):
    status: _Credential = msgspec.field(default_factory=_Credential)


async def log_in(site: Site) -> Login:
    """Log in to a site. Raises Unreachable, Denied, and the library's ConfigException."""
    configuration = Configuration()
    if site.address == contexts.IN_CLUSTER:
        # Without the library's own renewal: a token that has grown old is read anew when it is turned away.
        load_incluster_config(  # type: ignore[no-untyped-call]
            client_configuration=configuration, try_refresh_token=False
        )
        return Login(configuration, (contexts.ACCOUNT / "namespace").read_text().strip(), "service account")
    try:
        config = contexts.kubeconfig(contexts.files(site.options.get("kubeconfig", "")))
    except contexts.Unreadable as error:
        raise Unreachable(clean(str(error)), "put the kubeconfig right") from error
    known = contexts.contexts(config)
    context = known.get(site.address or config["current-context"])
    if context is None:
        names = ", ".join(known) or "none"
        raise Unreachable(
            f'there is no context "{clean(site.address)}" in the kubeconfig', clean(f"those there are: {names}")
        )
    expires = None
    for each in config["users"]:
        if each["name"] == context.get("user") and "exec" in each["user"]:
            server: dict[str, Any] = next(
                (row["cluster"] for row in config["clusters"] if row["name"] == context.get("cluster")), {}
            )
            credential = _ask_program(each["user"]["exec"], server)
            each["user"], expires = _user_of(credential), credential.expiration_timestamp
    name = site.address or config["current-context"]
    await load_kube_config_from_dict(  # type: ignore[no-untyped-call]
        config, context=name, client_configuration=configuration
    )
    return Login(configuration, str(context.get("namespace") or "default"), str(context.get("user") or ""), expires)


def _user_of(credential: _Credential) -> dict[str, str]:
    if credential.token:
        return {"token": credential.token}
    return {
        "client-certificate-data": base64.b64encode(credential.client_certificate_data.encode()).decode(),
        "client-key-data": base64.b64encode(credential.client_key_data.encode()).decode(),
    }


def _ask_program(wanted: dict[str, Any], server: dict[str, Any]) -> _Credential:
    """Run the login program of a user.

    Not by the library, which lets it read from the terminal that the screen is drawn on, waits for it without end and
    drops its words.
    """
    command = [str(wanted.get("command", "")), *(str(each) for each in wanted.get("args") or ())]
    version = str(wanted.get("apiVersion") or "client.authentication.k8s.io/v1")
    told: dict[str, Any] = {"interactive": False}
    if wanted.get("provideClusterInfo"):
        told["cluster"] = {key: value for key, value in server.items() if isinstance(value, str | bool)}
    about = {"apiVersion": version, "kind": "ExecCredential", "spec": told}
    own = {str(each["name"]): str(each["value"]) for each in wanted.get("env") or ()}
    shown = clean(shlex.join(command), limit=120)
    by_hand = "run it by hand: it may want to ask something that cannot be asked here"
    try:
        answer = subprocess.run(  # noqa: S603 - the kubeconfig's own program
            command,
            env={**os.environ, **own, "KUBERNETES_EXEC_INFO": json.dumps(about)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE,
            check=True,
        )
        credential = msgspec.json.decode(answer.stdout, type=_Answer).status
    except FileNotFoundError as error:
        raise Denied(f"the login program is not there: {shown}", clean(str(wanted.get("installHint") or ""))) from error
    except subprocess.CalledProcessError as error:
        words = " ".join(error.stderr.decode(errors="replace").split()) or f"it ended with {error.returncode}"
        raise Denied(clean(f"the login program {shown} failed: {words}", limit=600), by_hand) from error
    except subprocess.TimeoutExpired as error:
        raise Denied(f"the login program {shown} does not come to an end", by_hand) from error
    except (OSError, msgspec.DecodeError) as error:
        raise Denied(clean(f"the login program {shown} is of no use: {error}"), by_hand) from error
    if not credential.token and not credential.client_certificate_data:
        raise Denied(f"the login program {shown} gives no login", by_hand)
    return credential
