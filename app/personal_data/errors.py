"""What goes wrong with personal data; no text here holds a secret or a personal value."""

from __future__ import annotations


class PersonalDataError(Exception):
    """Any refusal of this package."""


class SealBroken(PersonalDataError):
    """A sealed value was changed, moved to another field or subject, or is no sealed value of a known form."""


class InvalidPersonalData(PersonalDataError, ValueError):
    """Data cannot be sealed: it is not JSON, or uses the name that marks sealed values."""


class SubjectErased(PersonalDataError):
    """The subject's key was destroyed: nothing more can be sealed for it."""

    def __init__(self, subject: str) -> None:
        super().__init__(f"{subject} was erased; personal data of it is not taken any more")
        self.subject = subject


class KeyMissing(PersonalDataError):
    """A sealed value names a subject that never had a key where it lives."""

    def __init__(self, subject: str) -> None:
        super().__init__(f"there is no key of {subject} on its shard; was the shard restored from an older backup?")
        self.subject = subject


class NotErased(PersonalDataError):
    """No shard says that it owns the subject's slot: ask again once the move of the slot is over."""

    def __init__(self, subject: str, slot: int) -> None:
        super().__init__(f"no shard owns slot {slot} of {subject} at the moment; the erasure is logged, repeat it")
        self.subject = subject


class MasterKeyFailed(PersonalDataError):
    """The master key could not wrap or unwrap; says which key, and what its keeper answered."""


class UnsafeKeyFile(MasterKeyFailed):
    """Others could read or change the file of the master key."""


class ErasureLogUnavailable(PersonalDataError):
    """The store of the erasure log refuses or gives no answer: nothing was erased yet."""


class ErasureLogDamaged(PersonalDataError):
    """A part of the erasure log cannot be read; names file and line, or the object."""
