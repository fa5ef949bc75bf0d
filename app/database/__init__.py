"""The databases of the shards: how to log in to them, connections, pools, migrations."""

from app.database.connection import Role, connection_parameters
from app.database.login import CertificateLogin, Login, LoginRefused, Token, TokenLogin, admin_login, app_login
from app.database.pools import Databases, DatabaseUnavailable, ShardDatabase

__all__ = [
    "CertificateLogin",
    "DatabaseUnavailable",
    "Databases",
    "Login",
    "LoginRefused",
    "Role",
    "ShardDatabase",
    "Token",
    "TokenLogin",
    "admin_login",
    "app_login",
    "connection_parameters",
]
