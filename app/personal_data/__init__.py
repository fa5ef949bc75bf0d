"""Personal data: sealed under a key per person, so that destroying the key erases it wherever it was copied to."""

from app.personal_data.errors import (
    ErasureLogDamaged,
    InvalidPersonalData,
    KeyMissing,
    MasterKeyFailed,
    NotErased,
    PersonalDataError,
    SealBroken,
    SubjectErased,
    UnsafeKeyFile,
)
from app.personal_data.sealing import SEALED, Erased, SubjectKey, seal, subjects_of, unseal

__all__ = [
    "SEALED",
    "Erased",
    "ErasureLogDamaged",
    "InvalidPersonalData",
    "KeyMissing",
    "MasterKeyFailed",
    "NotErased",
    "PersonalDataError",
    "SealBroken",
    "SubjectErased",
    "SubjectKey",
    "UnsafeKeyFile",
    "seal",
    "subjects_of",
    "unseal",
]
