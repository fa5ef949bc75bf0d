"""The databases of the shards: how to log in to them, connections, pools, migrations."""

from app.database.cloud_tokens import LoginRefused, Token
from app.database.connection import Role, connection_parameters
from app.database.login import CertificateLogin, TokenLogin, admin_login, app_login
from app.database.pools import Databases, DatabaseUnavailable, ShardDatabase

__all__ = [
    "CertificateLogin",
    "DatabaseUnavailable",
    "Databases",
    "LoginRefused",
    "Role",
    "ShardDatabase",
    "Token",
    "TokenLogin",
    "admin_login",
    "app_login",
    "connection_parameters",
]
