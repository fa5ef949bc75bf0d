"""Personal data: sealed under a key per person, so that destroying the key erases it wherever it was copied to."""

from app.personal_data.erasure import Replayed, erase, replay_erasures
from app.personal_data.erasure_log import DatabaseErasureLog, Erasure, ErasureLog, FileErasureLog
from app.personal_data.errors import (
    ErasureLogDamaged,
    ErasureLogUnavailable,
    InvalidPersonalData,
    KeyMissing,
    MasterKeyFailed,
    NotErased,
    PersonalDataError,
    SealBroken,
    SubjectErased,
    UnsafeKeyFile,
)
from app.personal_data.export import export
from app.personal_data.keys import SubjectKeys
from app.personal_data.master_key import MasterKey, Wrapped
from app.personal_data.object_log import ObjectErasureLog
from app.personal_data.sealed_events import PersonalData, Sealed
from app.personal_data.sealing import SEALED, Erased, SubjectKey, seal, subjects_of, unseal
from app.personal_data.settings import open_master_key

__all__ = [
    "SEALED",
    "DatabaseErasureLog",
    "Erased",
    "Erasure",
    "ErasureLog",
    "ErasureLogDamaged",
    "ErasureLogUnavailable",
    "FileErasureLog",
    "InvalidPersonalData",
    "KeyMissing",
    "MasterKey",
    "MasterKeyFailed",
    "NotErased",
    "ObjectErasureLog",
    "PersonalData",
    "PersonalDataError",
    "Replayed",
    "SealBroken",
    "Sealed",
    "SubjectErased",
    "SubjectKey",
    "SubjectKeys",
    "UnsafeKeyFile",
    "Wrapped",
    "erase",
    "export",
    "open_master_key",
    "replay_erasures",
    "seal",
    "subjects_of",
    "unseal",
]
