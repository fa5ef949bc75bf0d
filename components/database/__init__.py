"""PostgreSQL on three clouds, alike to whoever uses it."""

from components.database.endpoint import Endpoint, Home, Login, PlacedDatabase
from components.database.multicloud import (
    MultiCloudDatabase,
    MultiCloudDatabaseArgs,
    Placement,
    ShardCluster,
    ShardClusterArgs,
    ShardSpec,
    shards_for,
)
from components.database.settings import (
    MAJOR_VERSIONS,
    MOST_CONNECTIONS,
    STORAGE_SIZES_GB,
    Day,
    InvalidSettings,
    Limits,
    Maintenance,
    PostgresSettings,
    Tier,
)
from components.database.slots import SLOTS, InvalidSlots

__all__ = [
    "MAJOR_VERSIONS",
    "MOST_CONNECTIONS",
    "SLOTS",
    "STORAGE_SIZES_GB",
    "Day",
    "Endpoint",
    "Home",
    "InvalidSettings",
    "InvalidSlots",
    "Limits",
    "Login",
    "Maintenance",
    "MultiCloudDatabase",
    "MultiCloudDatabaseArgs",
    "PlacedDatabase",
    "Placement",
    "PostgresSettings",
    "ShardCluster",
    "ShardClusterArgs",
    "ShardSpec",
    "Tier",
    "shards_for",
]
