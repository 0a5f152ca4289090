"""Every error Footnote raises on purpose.

::

    FootnoteError
    ├── UsageError                what the caller sent is wrong; sending it again will not help
    │   ├── InvalidQuestion       empty, too long, or not text
    │   ├── InvalidRequest        a value out of range, an unknown name
    │   │   └── InvalidFilter     an unknown field, a value of the wrong type, too deep or too large
    │   ├── SettingsError         a setting is missing, unknown or malformed
    │   ├── DatasetError          an evaluation file is malformed (names the line)
    │   ├── SuiteError            an evaluation suite is malformed (names the key and its line)
    │   └── NotComparable         two reports are not about the same questions
    ├── NotFound                  unknown, or not visible to the caller: both answer alike
    │   ├── CollectionNotFound
    │   ├── DocumentNotFound
    │   ├── ConversationNotFound
    │   └── JobNotFound
    ├── Conflict                  the state forbids it now
    │   ├── CollectionExists
    │   ├── EmbeddingMismatch     the model that embedded the collection is not to be had any more
    │   ├── TooFewPairs           a collection holds too little to tune a model with
    │   └── Busy                  another ingestion holds the collection
    ├── NotAuthorized             no key, or a wrong one
    ├── Forbidden                 a path outside the allowed roots
    ├── SourceError               one file or folder could not be ingested (carries a code)
    ├── ModelError                an embedding or language model failed
    │   ├── ModelUnavailable      missing package, missing weights, wrong hash
    │   ├── GenerationFailed      the LLM did not answer
    │   └── GenerationCancelled   whoever asked no longer waits for the answer
    └── StorageError              the disk or the database failed
        ├── DiskFull
        ├── IndexDamaged          an index file does not match its manifest (rebuilt at open)
        └── IndexBehind           the index lacks the catalog's newest changes (caught up at open)

A message names the value, what was expected and the next step. ``code`` is stable and part of the API.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from rag.domain import Collection


class FootnoteError(Exception):
    """Base of all expected errors; ``str(error)`` is one plain sentence for a person."""

    code: ClassVar[str] = "internal_error"


class UsageError(FootnoteError):
    """The request itself is wrong."""

    code = "usage_error"


class InvalidQuestion(UsageError):
    """The question is empty or too long."""

    code = "invalid_question"


class InvalidRequest(UsageError):
    """A value is out of range or unknown."""

    code = "invalid_request"


class InvalidFilter(InvalidRequest):
    """A filter names an unknown field, compares it with a value of the wrong type, or is too large."""

    code = "invalid_filter"


class SettingsError(UsageError):
    """A setting is missing, unknown or malformed."""

    code = "settings_error"


class DatasetError(UsageError):
    """An evaluation data set is malformed; the message names file and line."""

    code = "dataset_error"


class SuiteError(UsageError):
    """An evaluation suite is malformed, or names what is not there; the message names key and line."""

    code = "suite_error"


class NotComparable(UsageError):
    """Two evaluation reports are not about the same questions, or one is no report at all."""

    code = "not_comparable"


class NotFound(FootnoteError):
    """Unknown, or not visible to the caller; both answer alike."""

    code = "not_found"


class CollectionNotFound(NotFound):
    """No collection of that name."""

    code = "collection_not_found"


class DocumentNotFound(NotFound):
    """No document with that id."""

    code = "document_not_found"


class ConversationNotFound(NotFound):
    """No conversation of the asker's with that id."""

    code = "conversation_not_found"


class JobNotFound(NotFound):
    """No job with that id."""

    code = "job_not_found"


class Conflict(FootnoteError):
    """The present state forbids the request."""

    code = "conflict"


class CollectionExists(Conflict):
    """A collection of that name exists already."""

    code = "collection_exists"


class EmbeddingMismatch(Conflict):
    """The collection's vectors come from another embedding model."""

    code = "embedding_mismatch"

    @classmethod
    def between(cls, collection: Collection, found: str, way_out: str) -> EmbeddingMismatch:
        """For a collection under whose model's name a model with the fingerprint ``found`` is found."""
        return cls(
            f"The collection {collection.name!r} was embedded with {_short(collection.fingerprint)}, but "
            f"{collection.embedding_model or 'the model of the settings'} is {_short(found)} now. "
            f"Give the earlier model back; or {way_out}."
        )


class TooFewPairs(Conflict):
    """A collection holds too few questions with answers to tune a model with."""

    code = "too_few_pairs"


class Busy(Conflict):
    """Another ingestion holds the collection's lock."""

    code = "busy"


class NotAuthorized(FootnoteError):
    """The request carries no valid key."""

    code = "not_authorized"


class Forbidden(FootnoteError):
    """The path lies outside the allowed roots."""

    code = "forbidden"


class SourceError(FootnoteError):
    """One file or folder could not be ingested.

    Attributes:
        source_code: the stable per-file code in ``failures[].code``, see ``docs/ingesting.md``.
    """

    code = "source_error"

    def __init__(self, source_code: str, message: str) -> None:
        super().__init__(message)
        self.source_code = source_code

    def __reduce__(self) -> tuple[type[SourceError], tuple[str, str]]:
        """Cross a process boundary with both arguments (the parsers run in child processes)."""
        return type(self), (self.source_code, str(self))


class ModelError(FootnoteError):
    """A model failed."""

    code = "model_error"


class ModelUnavailable(ModelError):
    """A model's package or weights are missing or not what they should be."""

    code = "model_unavailable"


class GenerationFailed(ModelError):
    """The language model did not answer."""

    code = "generation_failed"


class GenerationCancelled(ModelError):
    """Nobody waits for the answer any more."""

    code = "generation_cancelled"


class StorageError(FootnoteError):
    """The disk or the database failed."""

    code = "storage_error"


class DiskFull(StorageError):
    """No space is left for the write; what was committed before is intact."""

    code = "disk_full"


class IndexDamaged(StorageError):
    """An index file does not match its manifest."""

    code = "index_damaged"


class IndexBehind(StorageError):
    """An index does not hold the catalog's newest changes yet, or is not there yet; nothing is damaged."""

    code = "index_behind"


def _short(fingerprint: str) -> str:
    """``name (first digits)``: two builds of one model have the same name."""
    name, _, digits = fingerprint.partition(":")
    return f"{name} ({digits[:8]})"
