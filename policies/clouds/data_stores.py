"""Data stores of three clouds: how each type says what it is called, where it keeps data, and whose replica it is."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from policies.clouds.regions import AZURE_PAIRS, is_many, region_name
from policies.control import Declaration, Decorator, Judge, applies_to, in_stack
from policies.resource import Cloud, Resource, cloud_of, normalize_type
from policies.stack import Stack
from policies.values import Undeterminable, Unknown

RDS_INSTANCE, RDS_CLUSTER = "aws:rds/instance:Instance", "aws:rds/cluster:Cluster"
DOCDB_CLUSTER = "aws:docdb/cluster:Cluster"
DYNAMODB = "aws:dynamodb/table:Table"
REDSHIFT = "aws:redshift/cluster:Cluster"
S3_BUCKET, EFS = "aws:s3/bucket:Bucket", "aws:efs/fileSystem:FileSystem"
POSTGRES, MYSQL = "azure-native:dbforpostgresql:Server", "azure-native:dbformysql:Server"
AZURE_SQL, AZURE_SQL_SERVER = "azure-native:sql:Database", "azure-native:sql:Server"
COSMOS, STORAGE_ACCOUNT = "azure-native:cosmosdb:DatabaseAccount", "azure-native:storage:StorageAccount"
CLOUD_SQL, ALLOYDB = "gcp:sql/databaseInstance:DatabaseInstance", "gcp:alloydb/cluster:Cluster"
SPANNER, BIGQUERY = "gcp:spanner/instance:Instance", "gcp:bigquery/dataset:Dataset"
GCS_BUCKET, FILESTORE = "gcp:storage/bucket:Bucket", "gcp:filestore/instance:Instance"

STORING_CLOUDS: tuple[Cloud, ...] = ("aws", "azure", "gcp")
FOLLOWING = ("Replica", "Secondary", "OnlineSecondary")
"""Where Azure asks how a database is made: in these ways it goes on following another one."""


@dataclass(frozen=True, kw_only=True)
class DataStore:
    """What is to be known of one type of data store: names of its properties."""

    noun: str
    """What people call a store of this type."""
    name: str
    """What it is called in its cloud."""
    tags: str
    region: str
    zone: str = ""
    """Tells the region where nothing else does."""
    copies: str = ""
    """Lists regions in which it keeps its data too."""
    backups: str = ""
    """Says where its backups are."""
    paired: str = ""
    """Tells whether Azure keeps a copy in the paired region; see `_UNPAIRED`."""
    source: str = ""
    """The store of which it is a replica."""
    mode: str = ""
    """Says in Azure whether the source is followed, or was only a start."""
    database: bool = False
    """Whether records are kept in it, which need a copy in another cloud."""

    @property
    def places(self) -> tuple[str, ...]:
        """Return the properties that tell where its data is."""
        return tuple(path for path in (self.region, self.zone, self.copies, self.backups, self.paired) if path)

    @property
    def origin(self) -> tuple[str, ...]:
        """Return the properties that tell whose replica it is."""
        return tuple(path for path in (self.source, self.mode) if path)


_SERVER = DataStore(
    noun="PostgreSQL server",
    name="serverName",
    tags="tags",
    region="location",
    paired="backup.geoRedundantBackup",
    source="sourceServerResourceId",
    mode="createMode",
    database=True,
)
STORES = {
    RDS_INSTANCE: DataStore(
        noun="PostgreSQL server",
        name="identifier",
        tags="tags",
        region="region",
        zone="availabilityZone",
        source="replicateSourceDb",
        database=True,
    ),
    RDS_CLUSTER: DataStore(
        noun="database cluster",
        name="clusterIdentifier",
        tags="tags",
        region="region",
        source="replicationSourceIdentifier",
        database=True,
    ),
    DOCDB_CLUSTER: DataStore(
        noun="database cluster", name="clusterIdentifier", tags="tags", region="region", database=True
    ),
    DYNAMODB: DataStore(
        noun="table", name="name", tags="tags", region="region", copies="replicas.regionName", database=True
    ),
    REDSHIFT: DataStore(
        noun="warehouse", name="clusterIdentifier", tags="tags", region="region", zone="availabilityZone"
    ),
    S3_BUCKET: DataStore(noun="bucket", name="bucket", tags="tags", region="region"),
    EFS: DataStore(noun="file system", name="creationToken", tags="tags", region="region", zone="availabilityZoneName"),
    POSTGRES: _SERVER,
    MYSQL: replace(_SERVER, noun="MySQL server"),
    AZURE_SQL: DataStore(
        noun="database",
        name="databaseName",
        tags="tags",
        region="location",
        paired="requestedBackupStorageRedundancy",
        source="sourceDatabaseId",
        mode="createMode",
        database=True,
    ),
    COSMOS: DataStore(
        noun="database account",
        name="accountName",
        tags="tags",
        region="location",
        copies="locations.locationName",
        database=True,
    ),
    STORAGE_ACCOUNT: DataStore(
        noun="storage account", name="accountName", tags="tags", region="location", paired="sku.name"
    ),
    CLOUD_SQL: DataStore(
        noun="PostgreSQL server",
        name="name",
        tags="settings.userLabels",
        region="region",
        backups="settings.backupConfiguration.location",
        source="masterInstanceName",
        database=True,
    ),
    ALLOYDB: DataStore(
        noun="database cluster",
        name="clusterId",
        tags="labels",
        region="location",
        backups="automatedBackupPolicy.location",
        source="secondaryConfig.primaryClusterName",
        database=True,
    ),
    SPANNER: DataStore(noun="database server", name="name", tags="labels", region="config", database=True),
    BIGQUERY: DataStore(noun="data set", name="datasetId", tags="labels", region="location"),
    GCS_BUCKET: DataStore(
        noun="bucket", name="name", tags="labels", region="location", copies="customPlacementConfig.dataLocations"
    ),
    FILESTORE: DataStore(noun="file system", name="name", tags="labels", region="location", zone="zone"),
}

HOLDERS: Mapping[str, str] = {token: store.noun for token, store in STORES.items()} | {
    "aws:cloudwatch/logGroup:LogGroup": "log group",
    "aws:ebs/volume:Volume": "volume",
    "aws:kms/key:Key": "encryption key",
    "aws:secretsmanager/secret:Secret": "secret",
    "azure-native:compute:Disk": "volume",
    "azure-native:dbforpostgresql:Database": "database",
    "azure-native:keyvault:Key": "encryption key",
    "azure-native:keyvault:Secret": "secret",
    "azure-native:keyvault:Vault": "key vault",
    "azure-native:operationalinsights:Workspace": "log workspace",
    "azure-native:resources:ResourceGroup": "resource group with all in it",
    "azure-native:storage:BlobContainer": "blob container",
    "gcp:compute/disk:Disk": "volume",
    "gcp:kms/cryptoKey:CryptoKey": "encryption key",
    "gcp:kms/keyRing:KeyRing": "key ring",
    "gcp:secretmanager/secret:Secret": "secret",
    "gcp:spanner/database:Database": "database",
    "gcp:sql/database:Database": "database",
    "kubernetes:core/v1:PersistentVolumeClaim": "volume",
}
"""What is lost when a resource of the type is deleted or replaced: data, and keys without which nobody reads it."""

_UNPAIRED: Mapping[str, Callable[[str], bool]] = {
    "sku.name": lambda sku: sku.endswith(("_LRS", "_ZRS")),
    "requestedBackupStorageRedundancy": lambda redundancy: redundancy in ("Local", "Zone"),
    "backup.geoRedundantBackup": lambda backup: backup in ("", "Disabled"),
}
"""What says that there is no copy in the paired region; of what says nothing, Azure SQL makes one."""
_NAMES = {token: store.name for token, store in STORES.items()} | {AZURE_SQL_SERVER: "serverName"}
_PROVIDERS = {"aws": "region", "azure": "location", "gcp": "region"}
"""Where a provider says the region of what says none itself."""


def region_of(resource: Resource, *, said: str = "region", zone: str = "") -> str:
    """Return the region that a resource is in: as it says, or its provider, or else its zone; raises Undeterminable."""
    own = resource.text(said) or resource.provider.text(_PROVIDERS[resource.cloud]) or (zone and resource.text(zone))
    if not own:
        raise Unknown(said, "is said neither by the resource nor by its provider")
    return region_name(own)


def home_of(store: Resource) -> str:
    """Return the region of a data store; raises Undeterminable."""
    known = STORES[store.type]
    return region_of(store, said=known.region, zone=known.zone)


def places_of(store: Resource) -> tuple[str, ...]:
    """Return all regions in which it keeps its data, backups and copies of its own too; raises Undeterminable."""
    known, home = STORES[store.type], home_of(store)
    copies = set(map(region_name, store.texts(known.copies))) if known.copies else set()
    if known.backups and store.has(known.backups):
        copies.add(region_name(store.text(known.backups)))
    if known.paired and not _UNPAIRED[known.paired](store.text(known.paired)):
        if home not in AZURE_PAIRS:
            raise Unknown(known.paired, f"asks for a second region, and none is known for {home}")
        copies.add(AZURE_PAIRS[home])
    return home, *sorted(copies - {home})


def is_spread(store: Resource) -> bool:
    """Tell whether the store itself keeps its data in more than one region; raises Undeterminable."""
    places = places_of(store)
    return len(places) > 1 or (store.cloud == "gcp" and is_many(places[0]))


def is_replica(store: Resource) -> bool:
    """Tell whether it follows another store, and has its settings and data from there; raises Undeterminable."""
    known = STORES[store.type]
    if known.mode:
        return store.text(known.mode, "Default") in FOLLOWING
    return bool(known.source) and (_comes_from_its_kind(store, known.source) or store.has(known.source))


def _comes_from_its_kind(store: Resource, path: str) -> bool:
    """Tell whether the source is a store of this very program, whose name may not be known yet."""
    urns = store.property_dependencies.get(path.partition(".")[0], ())
    return any(normalize_type(urn.split("::")[2].rpartition("$")[2]) == store.type for urn in urns)


def names_of(store: Resource) -> frozenset[str]:
    """Return what people may call a store: its name in its cloud, where that is known, and in the program."""
    return own_names(store) | {store.name}


def own_names(resource: Resource) -> frozenset[str]:
    """Return the store's name in its cloud, where that is known."""
    path = _NAMES[resource.type]
    return frozenset({resource.text(path)} - {""}) if resource.known(path) else frozenset()


def stores_in(stack: Stack) -> Iterator[Resource]:
    """Yield all data stores of a stack."""
    yield from stack.of_type(*STORES)


def replicas_of(store: Resource, stack: Stack) -> tuple[Resource, ...]:
    """Return the stores of the same kind that follow it."""
    path = STORES[store.type].source
    replicas = _replicas(stack, store.type)
    return tuple(replica for replica in replicas if replica is not store and follows(replica, path, store, stack))


@functools.lru_cache(maxsize=len(STORES))
def _replicas(stack: Stack, token: str) -> tuple[Resource, ...]:
    """List the replicas of a type; cached, for every store asks."""
    return tuple(resource for resource in stack.of_type(token) if is_replica(resource))


def follows(resource: Resource, path: str, store: Resource, stack: Stack) -> bool:
    """Tell whether a property means the store: it holds its name or an id that ends in it, or came from there."""
    return _names(resource, path, store) or stack.refers(resource, path, store)


def list_named_stores(resource: Resource, path: str, stores: Iterable[Resource], stack: Stack) -> list[Resource]:
    """Return the stores that a property means: those it names, else all those it came from."""
    candidates = tuple(stores)
    return [candidate for candidate in candidates if _names(resource, path, candidate)] or [
        candidate for candidate in candidates if stack.refers(resource, path, candidate)
    ]


def _names(resource: Resource, path: str, store: Resource) -> bool:
    texts = texts_if_known(resource, path) or ()
    named = {text.rpartition("/")[2].rpartition(":")[2] for text in texts}
    return not named.isdisjoint(own_names(store))


def texts_if_known(resource: Resource, path: str) -> tuple[str, ...] | None:
    """Return the texts at a path, through lists; None where one of them is not known."""
    try:
        return resource.texts(path, alone=True)
    except Undeterminable:
        return None


Reads = Callable[[DataStore], tuple[str, ...]]


def in_data_stores(cloud: Cloud, reads: Reads, *, databases: bool = False, joins: bool = False) -> Decorator:
    """Apply a check to all data stores of a cloud, or to its databases; `reads` gives what it reads of each."""

    def declare(judge: Judge | Declaration) -> Declaration:
        declaration = Declaration.of(judge)
        for token, store in STORES.items():
            if cloud_of(token) == cloud and (store.database or not databases):
                declaration = (in_stack if joins else applies_to)(token, reads=reads(store))(declaration)
        return declaration

    return declare
