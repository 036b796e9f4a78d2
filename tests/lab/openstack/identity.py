"""Who there is in the cloud: an admin, a member of one project, and one of another."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import openstack
from openstack.config import OpenStackConfig

from .settings import APIS, REGION, SERVICE_PASSWORD

if TYPE_CHECKING:
    from pathlib import Path

    from .settings import Place

DOMAIN: Final = "default"


@dataclass(frozen=True, slots=True)
class Login:
    """One user in one project, under a cloud's name in `clouds.yaml`."""

    cloud: str
    user: str
    password: str
    project: str


MEMBER: Final = Login("lab", "member", "member-secret", "lab")
ADMIN: Final = Login("lab-admin", "admin", "admin-secret", "admin")
OTHER: Final = Login("lab-other", "other", "other-secret", "other")
LOGINS: Final = (MEMBER, ADMIN, OTHER)


def write_clouds(place: Place) -> Path:
    """The `clouds.yaml` of this lab; its JSON is YAML too."""
    auth_url = place.url("identity")
    clouds = {
        login.cloud: {
            "auth": {
                "auth_url": auth_url,
                "username": login.user,
                "password": login.password,
                "project_name": login.project,
                "user_domain_name": "Default",
                "project_domain_name": "Default",
            },
            "region_name": REGION,
            "identity_api_version": "3",
        }
        for login in LOGINS
    }
    path = place.folder / "clouds.yaml"
    path.write_text(json.dumps({"clouds": clouds}, indent=2) + "\n")
    return path


def connect(clouds_yaml: Path, cloud: str) -> Any:
    """A connection for the tests' own use, past whatever the environment says."""
    config = OpenStackConfig(config_files=[str(clouds_yaml)], secure_files=[], vendor_files=[], load_envvars=False)
    return openstack.connection.Connection(config=config.get_one(cloud=cloud))


def populate(place: Place) -> None:
    """Projects, users, roles and catalog, in a Keystone that was just bootstrapped."""
    cloud = connect(write_clouds(place), ADMIN.cloud)
    keystone = cloud.identity
    roles = {role.name: role for role in keystone.roles()}
    service_role = roles.get("service") or keystone.create_role(name="service")
    service = keystone.create_project(name="service", domain_id=DOMAIN)
    user = keystone.create_user(name="service", password=SERVICE_PASSWORD, domain_id=DOMAIN)
    for role in (roles["admin"], service_role):
        keystone.assign_project_role_to_user(service, user, role)
    for login in (MEMBER, OTHER):
        project = keystone.create_project(name=login.project, domain_id=DOMAIN)
        user = keystone.create_user(name=login.user, password=login.password, domain_id=DOMAIN)
        keystone.assign_project_role_to_user(project, user, roles["member"])
    for kind, name in APIS.items():
        if kind == "identity":
            continue
        entry = keystone.create_service(type=kind, name=name)
        for interface in ("public", "internal"):
            keystone.create_endpoint(service_id=entry.id, interface=interface, url=place.url(kind), region_id=REGION)
